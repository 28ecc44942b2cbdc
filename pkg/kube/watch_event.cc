#include "pkg/kube/watch_event.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::kube {
namespace {

struct TypeRow {
  absl::string_view name;
  WatchEvent::Type type;
};
constexpr std::array<TypeRow, 5> kTypes = {{{"ADDED", WatchEvent::Type::kAdded},
                                            {"MODIFIED", WatchEvent::Type::kModified},
                                            {"DELETED", WatchEvent::Type::kDeleted},
                                            {"BOOKMARK", WatchEvent::Type::kBookmark},
                                            {"ERROR", WatchEvent::Type::kError}}};

absl::Status Broken(absl::string_view why) {
  return absl::DataLossError(absl::StrCat("a line of the watch is unusable: ", why));
}

}  // namespace

std::string WatchEvent::ResourceVersion() const { return kubeapi::TextAt(object, {"metadata", "resourceVersion"}); }

absl::StatusOr<WatchEvent> ReadWatchEvent(absl::string_view line) {
  absl::StatusOr<nlohmann::json> json = codec::ReadJson(line);
  if (!json.ok()) return Broken(json.status().message());
  const std::string name = kubeapi::TextAt(*json, {"type"});
  for (const TypeRow& row : kTypes) {
    if (row.name != name) continue;
    const auto object = json->find("object");
    if (object == json->end() || !object->is_object()) return Broken("it has no object");
    return WatchEvent{row.type, std::move(*object)};
  }
  return Broken(absl::StrCat("its type is '", Printable(Truncate(name, 40)), "'"));
}

}  // namespace ottoscale::kube
