#include "pkg/apiserver/core_events.h"

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/apiserver/errors.h"
#include "pkg/apiserver/table.h"
#include "pkg/base/status.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

using kubeapi::Find;
using nlohmann::json;

namespace {

void Copy(const json& from, absl::string_view old_name, json& to, const char* name) {
  if (const json* value = Find(from, old_name); value != nullptr && !value->is_null()) to[name] = *value;
}

// "a=b,c!=d" as (path, wanted, equal). Every field is selectable here: the list is read and not an index.
struct Term {
  std::string path;
  std::string value;
  bool equal = true;
};

absl::StatusOr<std::vector<Term>> Terms(absl::string_view selector) {
  std::vector<Term> out;
  for (absl::string_view part : absl::StrSplit(selector, ',', absl::SkipEmpty())) {
    const size_t at = part.find('=');
    if (at == absl::string_view::npos || at == 0) return BadRequest("query parameter fieldSelector: unable to read it");
    absl::string_view name = part.substr(0, at);
    const bool equal = !absl::ConsumeSuffix(&name, "!");
    absl::string_view value = part.substr(at + 1);
    absl::ConsumePrefix(&value, "=");
    out.push_back({.path = std::string(name), .value = std::string(value), .equal = equal});
  }
  return out;
}

bool Matches(const json& event, const std::vector<Term>& terms) {
  for (const Term& term : terms) {
    const json value = ValueAtPath(event, term.path);
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    if ((text == term.value) != term.equal) return false;
  }
  return true;
}

}  // namespace

const Served& StoredEvents() {
  static const Served kEvents{.resource = kubeapi::Events()};
  return kEvents;
}

const Served& CoreEvents() {
  static const Served kEvents{.resource = {.version = "v1", .plural = "events", .kind = "Event"},
                              .singular = "event",
                              .short_names = {"ev"},
                              .columns = {{.name = "LAST SEEN", .type = "date", .path = ".lastTimestamp"},
                                          {.name = "TYPE", .type = "string", .path = ".type"},
                                          {.name = "REASON", .type = "string", .path = ".reason"},
                                          {.name = "KIND", .type = "string", .path = ".involvedObject.kind"},
                                          {.name = "OBJECT", .type = "string", .path = ".involvedObject.name"},
                                          {.name = "MESSAGE", .type = "string", .path = ".message"}}};
  return kEvents;
}

json ToCoreEvent(const json& event) {
  json out = json::object();
  out["kind"] = "Event";
  out["apiVersion"] = "v1";
  Copy(event, "metadata", out, "metadata");
  Copy(event, "regarding", out, "involvedObject");
  Copy(event, "related", out, "related");
  Copy(event, "note", out, "message");
  Copy(event, "reportingController", out, "reportingComponent");
  for (const char* same : {"type", "reason", "action", "eventTime", "reportingInstance", "series"}) {
    Copy(event, same, out, same);
  }
  out["source"]["component"] = kubeapi::TextAt(event, {"reportingController"});
  Copy(event, "eventTime", out, "firstTimestamp");
  Copy(event, "eventTime", out, "lastTimestamp");
  if (const json* last = Find(event, {"series", "lastObservedTime"})) out["lastTimestamp"] = *last;
  out["count"] = kubeapi::IntegerAt(event, {"series", "count"}).value_or(1);
  return out;
}

std::optional<std::string> CoreEventsPath(const std::vector<std::string>& segments) {
  if (segments.size() < 3 || segments[0] != "api" || segments[1] != "v1") return std::nullopt;
  if (segments.size() == 3 && segments[2] == "events") return "";
  if (segments.size() == 5 && segments[2] == "namespaces" && segments[4] == "events") return segments[3];
  return std::nullopt;
}

absl::StatusOr<ListPage> ListCoreEvents(Store& store, const std::string& ns, const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<Term> terms, Terms(options.field_selector));
  Options all = options;
  all.field_selector.clear();
  all.limit = 0;
  all.continue_token.clear();
  ASSIGN_OR_RETURN(ListPage page, ReadList(store, Target{.served = &StoredEvents(), .ns = ns}, all));
  page.kind = "EventList";
  page.api_version = "v1";
  std::vector<ObjectPtr> items;
  for (const ObjectPtr& event : page.items) {
    json converted = ToCoreEvent(*event);
    if (Matches(converted, terms)) items.push_back(std::make_shared<const json>(std::move(converted)));
  }
  page.items = std::move(items);
  return page;
}

}  // namespace ottoscale::apiserver
