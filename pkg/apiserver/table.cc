#include "pkg/apiserver/table.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/codec/json.h"
#include "pkg/http/http.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::apiserver {

using kubeapi::Find;
using kubeapi::TextAt;
using nlohmann::json;

namespace {

const std::vector<Column>& ColumnsOf(const Served& served) {
  static const std::vector<Column> kAge = {{.name = "AGE", .type = "date", .path = ".metadata.creationTimestamp"}};
  return served.columns.empty() ? kAge : served.columns;
}

json Definition(const std::string& name, const std::string& type, const char* format, const std::string& description,
                int64_t priority) {
  json out = json::object();
  out["name"] = name;
  out["type"] = type;
  out["format"] = format;
  out["description"] = description;
  out["priority"] = priority;
  return out;
}

json Definitions(const Served& served) {
  json out = json::array();
  out.push_back(Definition("Name", "string", "name", "The name, unique within the namespace.", 0));
  for (const Column& column : ColumnsOf(served)) {
    out.push_back(
        Definition(column.name, column.type, "", absl::StrCat("What stands at ", column.path), column.priority));
  }
  return out;
}

json Cell(const Column& column, const json& object, absl::Time now) {
  json value = ValueAtPath(object, column.path);
  if (column.type == "date") {
    if (!value.is_string()) return nullptr;
    const absl::StatusOr<absl::Time> time = kubeapi::ParseTime(value.get_ref<const std::string&>());
    return time.ok() ? json(HumanDuration(now - *time)) : json("<unknown>");
  }
  if (column.type == "string" && value.is_structured()) return codec::Dump(value);
  return value;
}

json MetadataOnly(const json& object) {
  json out = json::object();
  out["kind"] = "PartialObjectMetadata";
  out["apiVersion"] = "meta.k8s.io/v1";
  const json* metadata = Find(object, "metadata");
  if (metadata != nullptr) out["metadata"] = *metadata;
  return out;
}

json Row(const Served& served, const json& object, absl::Time now, const TableOptions& options) {
  json row = json::object();
  json& cells = row["cells"] = json::array();
  cells.push_back(TextAt(object, {"metadata", "name"}));
  for (const Column& column : ColumnsOf(served)) cells.push_back(Cell(column, object, now));
  if (options.include == TableOptions::Object::kObject) row["object"] = object;
  if (options.include == TableOptions::Object::kMetadata) row["object"] = MetadataOnly(object);
  return row;
}

json Empty(const Served& served, const TableOptions& options) {
  json table = json::object();
  table["kind"] = "Table";
  table["apiVersion"] = "meta.k8s.io/v1";
  table["metadata"] = json::object();
  table["columnDefinitions"] = options.headers ? Definitions(served) : json(nullptr);
  table["rows"] = json::array();
  return table;
}

// One step of a path: a member's name, or what an element of a list has to have.
struct Step {
  std::string member;
  std::string key;
  std::string value;
};

// ".a.b[?(@.type==\"Ready\")].status"; what cannot be read ends the path.
std::vector<Step> Steps(absl::string_view path) {
  std::vector<Step> out;
  while (!path.empty()) {
    if (absl::ConsumePrefix(&path, "[?(@.")) {
      const size_t end = path.find(")]");
      if (end == absl::string_view::npos) return {};
      const std::vector<std::string> sides = absl::StrSplit(path.substr(0, end), absl::MaxSplits("==", 1));
      if (sides.size() != 2 || sides[1].size() < 2) return {};
      out.push_back({.key = sides[0], .value = sides[1].substr(1, sides[1].size() - 2)});
      path.remove_prefix(end + 2);
      continue;
    }
    absl::ConsumePrefix(&path, ".");
    const size_t end = std::min(path.find_first_of(".["), path.size());
    if (end == 0) return {};
    out.push_back({.member = std::string(path.substr(0, end)), .key = "", .value = ""});
    path.remove_prefix(end);
  }
  return out;
}

const json* Take(const json* at, const Step& step) {
  if (at == nullptr) return nullptr;
  if (!step.member.empty()) return Find(*at, step.member);
  if (!at->is_array()) return nullptr;
  for (const json& element : *at) {
    if (TextAt(element, {step.key}) == step.value) return &element;
  }
  return nullptr;
}

}  // namespace

bool WantsTable(absl::string_view accept) {
  for (const absl::string_view part : absl::StrSplit(accept, ',')) {
    if (absl::StrContains(part, "protobuf")) continue;
    return absl::StrContains(part, "as=Table") && absl::StrContains(part, "v=v1;") == absl::StrContains(part, "v=v1") &&
           !absl::StrContains(part, "v1beta1");
  }
  return false;
}

TableOptions::Object IncludeOf(absl::string_view query) {
  const std::string include = http::QueryValue(query, "includeObject").value_or("");
  if (include == "Object") return TableOptions::Object::kObject;
  if (include == "None") return TableOptions::Object::kNone;
  return TableOptions::Object::kMetadata;
}

json TableOf(const Served& served, const ListPage& page, absl::Time now, const TableOptions& options) {
  json table = Empty(served, options);
  table["metadata"] = page.metadata;
  for (const ObjectPtr& object : page.items) table["rows"].push_back(Row(served, *object, now, options));
  return table;
}

json TableOf(const Served& served, const json& object, absl::Time now, const TableOptions& options) {
  json table = Empty(served, options);
  if (const json* version = Find(object, {"metadata", "resourceVersion"}))
    table["metadata"]["resourceVersion"] = *version;
  if (!TextAt(object, {"metadata", "name"}).empty()) table["rows"].push_back(Row(served, object, now, options));
  return table;
}

json ValueAtPath(const json& object, absl::string_view path) {
  const json* at = &object;
  for (const Step& step : Steps(path)) at = Take(at, step);
  return at == nullptr ? json(nullptr) : *at;
}

// The steps are those of k8s.io/apimachinery's duration.HumanDuration, so that ages look the same everywhere.
std::string HumanDuration(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  const int64_t days = hours / 24;
  const auto two = [](int64_t a, const char* a_unit, int64_t b, const char* b_unit) {
    return b == 0 ? absl::StrCat(a, a_unit) : absl::StrCat(a, a_unit, b, b_unit);
  };
  if (seconds < 120) return absl::StrCat(seconds, "s");
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return absl::StrCat(minutes, "m");
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return absl::StrCat(hours, "h");
  if (days < 8) return two(days, "d", hours % 24, "h");
  if (days < 2 * 365) return absl::StrCat(days, "d");
  if (days < 8 * 365) return two(days / 365, "y", days % 365, "d");
  return absl::StrCat(days / 365, "y");
}

}  // namespace ottoscale::apiserver
