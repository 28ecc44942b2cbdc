#include "pkg/kube/kubeconfig.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/codec/object_reader.h"
#include "pkg/kube/small_file.h"

namespace ottoscale::kube {

using codec::ObjectReader;
using codec::Path;
using codec::Report;
using nlohmann::json;

namespace {

constexpr codec::YamlLimits kLimits{.max_bytes = size_t{4} << 20};
constexpr codec::Range kEntries{0, 10'000};
constexpr codec::Range kNames{1, 4096};

absl::Status Refusal(const KubeconfigFile& file, const std::vector<codec::Problem>& problems) {
  constexpr size_t kShown = 10;
  std::vector<std::string> lines;
  for (const codec::Problem& problem : problems) {
    if (lines.size() < kShown) lines.push_back(codec::FormatProblem(file.path, problem));
  }
  if (problems.size() > kShown) lines.push_back(absl::StrCat("and ", problems.size() - kShown, " more"));
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

// nullptr for a file in which nothing stands.
absl::StatusOr<std::unique_ptr<KubeconfigFile>> ReadOne(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  codec::Documents documents = codec::ParseYaml(text, kLimits);
  auto file = std::make_unique<KubeconfigFile>();
  file->path = path;
  if (!documents.problems.empty()) return Refusal(*file, documents.problems);
  if (documents.documents.empty()) return nullptr;
  if (documents.documents.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": a kubeconfig is one document, found several"));
  }
  file->document = std::move(documents.documents[0]);
  const json& value = file->document.value;
  const std::string kind = codec::StringOr(value, {"kind"}, "Config");
  const std::string version = codec::StringOr(value, {"apiVersion"}, "v1");
  if (!value.is_object() || kind != "Config" || version != "v1") {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is no kubeconfig (apiVersion: v1, kind: Config)"));
  }
  return file;
}

struct ListNames {
  absl::string_view list;  // "clusters"
  absl::string_view item;  // "cluster"
};

std::map<std::string, KubeconfigEntry> EntriesOf(const KubeconfigFile& file, ObjectReader& top, ListNames names) {
  std::map<std::string, KubeconfigEntry> entries;
  for (const ObjectReader::Item& item : top.List(names.list, kEntries)) {
    ObjectReader reader(*item.value, item.path, top.report());
    reader.Require("name");
    const std::optional<std::string> name = reader.String("name", kNames);
    const json* value = reader.Find(names.item);
    if (!name) {
      reader.Finish();
      continue;
    }
    static const json kNothing = json::object();
    const KubeconfigEntry entry{&file, value == nullptr ? &kNothing : value, item.path.Key(names.item)};
    if (!entries.emplace(*name, entry).second) {
      reader.Refuse("name", absl::StrCat("'", *name, "' stands twice in this list"));
    }
  }
  return entries;
}

absl::Status Merge(std::unique_ptr<KubeconfigFile> file, Kubeconfig& merged) {
  Report report(&file->document.positions);
  ObjectReader top(file->document.value, {}, report);
  top.Allow({"apiVersion", "kind", "preferences", "extensions"});
  merged.clusters.merge(EntriesOf(*file, top, {"clusters", "cluster"}));
  merged.users.merge(EntriesOf(*file, top, {"users", "user"}));
  merged.contexts.merge(EntriesOf(*file, top, {"contexts", "context"}));
  const std::optional<std::string> current = top.String("current-context", {0, kNames.max});
  if (merged.current_context.empty()) merged.current_context = current.value_or("");
  const std::vector<codec::Problem> problems = report.Take();
  if (!problems.empty()) return Refusal(*file, problems);
  top.Finish();
  for (const codec::Problem& unknown : report.Take()) {
    merged.notes.push_back(absl::StrCat(codec::FormatProblem(file->path, unknown), " (ignored)"));
  }
  merged.files.push_back(std::move(file));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Kubeconfig> ReadKubeconfig(const std::vector<std::string>& paths) {
  Kubeconfig merged;
  absl::Status missing;
  size_t found = 0;
  for (const std::string& path : paths) {
    absl::StatusOr<std::unique_ptr<KubeconfigFile>> file = ReadOne(path);
    if (absl::IsNotFound(file.status())) {
      missing.Update(file.status());
      merged.notes.push_back(absl::StrCat("kubeconfig ", file.status().message(), " (ignored)"));
      continue;
    }
    if (!file.ok()) return file.status();
    ++found;
    if (*file != nullptr) RETURN_IF_ERROR(Merge(*std::move(file), merged));
  }
  if (found == 0) return Annotate("kubeconfig", missing);
  return merged;
}

}  // namespace ottoscale::kube
