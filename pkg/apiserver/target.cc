#include "pkg/apiserver/target.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/apiserver/errors.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/http/http.h"

namespace ottoscale::apiserver {
namespace {

absl::Status BadParameter(absl::string_view name, absl::string_view found, absl::string_view allowed) {
  return BadRequest(absl::StrCat("query parameter ", name, "=", Printable(Truncate(found, 60)), ": must be ", allowed));
}

// Reads the parameters of one query; the first mistake stays.
class QueryReader {
 public:
  explicit QueryReader(absl::string_view query) : query_(query) {}

  std::string Text(absl::string_view name) const { return http::QueryValue(query_, name).value_or(""); }

  std::optional<bool> Flag(absl::string_view name) {
    const std::optional<std::string> value = http::QueryValue(query_, name);
    if (!value) return std::nullopt;
    if (*value == "true" || *value == "1" || value->empty()) return true;
    if (*value != "false" && *value != "0") Fail(name, *value, "true or false");
    return false;
  }

  std::optional<int64_t> Count(absl::string_view name) {
    const std::optional<std::string> value = http::QueryValue(query_, name);
    if (!value || value->empty()) return std::nullopt;
    int64_t number = 0;
    if (!absl::SimpleAtoi(*value, &number) || number < 0) Fail(name, *value, "a whole number, 0 or more");
    return number;
  }

  void OneOf(absl::string_view name, const std::string& found, const std::vector<std::string>& allowed) {
    for (const std::string& each : allowed) {
      if (found == each) return;
    }
    Fail(name, found, JoinWords(allowed, "or"));
  }

  const absl::Status& status() const { return status_; }

 private:
  void Fail(absl::string_view name, absl::string_view found, absl::string_view allowed) {
    if (status_.ok()) status_ = BadParameter(name, found, allowed);
  }

  absl::string_view query_;
  absl::Status status_;
};

const Served* FindServed(const std::vector<Served>& served, absl::string_view group, absl::string_view version,
                         absl::string_view plural) {
  for (const Served& each : served) {
    const kubeapi::Resource& resource = each.resource;
    if (resource.group == group && resource.version == version && resource.plural == plural) return &each;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> PathSegments(absl::string_view path) {
  std::vector<std::string> segments;
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    absl::StatusOr<std::string> segment = http::DecodeComponent(part);
    if (!segment.ok()) return BadRequest("the path is not properly percent-encoded");
    segments.push_back(*std::move(segment));
  }
  return segments;
}

absl::StatusOr<Target> ParseTarget(const std::vector<std::string>& segments, const std::vector<Served>& served) {
  const bool core = !segments.empty() && segments[0] == "api";
  const size_t root = core ? 2 : 3;
  if (segments.size() <= root || (!core && segments[0] != "apis")) return NoSuchPath();
  const std::string group = core ? "" : segments[1];
  const std::string& version = segments[root - 1];

  Target target;
  size_t at = root;
  if (segments[at] == "namespaces" && segments.size() > at + 2) {
    target.ns = segments[at + 1];
    at += 2;
  }
  target.served = FindServed(served, group, version, segments[at]);
  if (target.served == nullptr || (!target.ns.empty() && !target.served->resource.namespaced)) return NoSuchPath();
  if (segments.size() > at + 1) target.name = segments[at + 1];
  if (segments.size() > at + 2) {
    target.status = target.served->custom && target.served->has_status && segments[at + 2] == "status";
    if (!target.status) return NoSuchPath();
  }
  if (segments.size() > at + 3) return NoSuchPath();
  if (!target.name.empty() && target.ns.empty() && target.served->resource.namespaced) return NoSuchPath();
  return target;
}

absl::StatusOr<Options> ParseOptions(absl::string_view query) {
  QueryReader reader(query);
  Options options;
  options.watch = reader.Flag("watch").value_or(false);
  options.allow_bookmarks = reader.Flag("allowWatchBookmarks").value_or(false);
  options.send_initial_events = reader.Flag("sendInitialEvents");
  options.resource_version = reader.Text("resourceVersion");
  options.resource_version_match = reader.Text("resourceVersionMatch");
  reader.OneOf("resourceVersionMatch", options.resource_version_match, {"", "Exact", "NotOlderThan"});
  if (const auto seconds = reader.Count("timeoutSeconds"); seconds && *seconds > 0) {
    options.timeout = absl::Seconds(*seconds);
  }
  options.limit = static_cast<size_t>(reader.Count("limit").value_or(0));
  options.continue_token = reader.Text("continue");
  options.label_selector = reader.Text("labelSelector");
  options.field_selector = reader.Text("fieldSelector");
  const std::string dry_run = reader.Text("dryRun");
  reader.OneOf("dryRun", dry_run, {"", "All"});
  options.dry_run = dry_run == "All";
  options.force = reader.Flag("force").value_or(false);
  options.field_manager = reader.Text("fieldManager");
  if (options.field_manager.size() > 128)
    return BadParameter("fieldManager", options.field_manager, "at most 128 bytes");
  const std::string validation = reader.Text("fieldValidation");
  reader.OneOf("fieldValidation", validation, {"", "Ignore", "Warn", "Strict"});
  if (validation == "Strict") options.field_validation = FieldValidation::kStrict;
  if (validation == "Ignore") options.field_validation = FieldValidation::kIgnore;
  options.pretty = reader.Flag("pretty").value_or(false);
  RETURN_IF_ERROR(reader.status());
  return options;
}

}  // namespace ottoscale::apiserver
