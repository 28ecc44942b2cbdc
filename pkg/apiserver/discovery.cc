#include "pkg/apiserver/discovery.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/apiserver/core_events.h"

namespace ottoscale::apiserver {

using nlohmann::json;

namespace {

json Kind(absl::string_view kind) {
  json object = json::object();
  object["kind"] = std::string(kind);
  object["apiVersion"] = "v1";
  return object;
}

json Texts(const std::vector<std::string>& texts) {
  json list = json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

json Entry(const std::string& name, const std::string& singular, const Served& served,
           const std::vector<std::string>& verbs) {
  json entry = json::object();
  entry["name"] = name;
  entry["singularName"] = singular;
  entry["namespaced"] = served.resource.namespaced;
  entry["kind"] = served.resource.kind;
  entry["verbs"] = Texts(verbs);
  return entry;
}

json NamespacesEntry() {
  json entry = json::object();
  entry["name"] = "namespaces";
  entry["singularName"] = "namespace";
  entry["namespaced"] = false;
  entry["kind"] = "Namespace";
  entry["shortNames"] = Texts({"ns"});
  entry["verbs"] = Texts({"get"});
  return entry;
}

json Resources(const std::vector<Served>& served, absl::string_view group, absl::string_view version) {
  json list = Kind("APIResourceList");
  list["groupVersion"] = group.empty() ? std::string(version) : absl::StrCat(group, "/", version);
  json& entries = list["resources"] = json::array();
  if (group.empty()) {
    entries.push_back(NamespacesEntry());
    json events = Entry("events", "event", CoreEvents(), {"list", "watch"});
    events["shortNames"] = Texts({"ev"});
    entries.push_back(std::move(events));
  }
  for (const Served& each : served) {
    if (each.resource.group != group || each.resource.version != version) continue;
    json entry = Entry(each.resource.plural, each.singular, each,
                       {"create", "delete", "get", "list", "patch", "update", "watch"});
    if (!each.short_names.empty()) entry["shortNames"] = Texts(each.short_names);
    if (!each.categories.empty()) entry["categories"] = Texts(each.categories);
    entries.push_back(std::move(entry));
    if (each.custom && each.has_status)
      entries.push_back(Entry(each.resource.plural + "/status", "", each, {"get", "patch", "update"}));
  }
  return list;
}

// The versions of a group; empty when nothing of it is served.
std::set<std::string> Versions(const std::vector<Served>& served, absl::string_view group) {
  std::set<std::string> versions;
  for (const Served& each : served) {
    if (each.resource.group == group) versions.insert(each.resource.version);
  }
  return versions;
}

json Group(const std::vector<Served>& served, const std::string& group) {
  json out = json::object();
  out["name"] = group;
  json& versions = out["versions"] = json::array();
  for (const std::string& version : Versions(served, group)) {
    json entry = json::object();
    entry["groupVersion"] = absl::StrCat(group, "/", version);
    entry["version"] = version;
    versions.push_back(std::move(entry));
  }
  out["preferredVersion"] = versions.back();
  return out;
}

json Groups(const std::vector<Served>& served) {
  json list = Kind("APIGroupList");
  json& groups = list["groups"] = json::array();
  std::set<std::string> names;
  for (const Served& each : served) {
    if (!each.resource.group.empty()) names.insert(each.resource.group);
  }
  for (const std::string& name : names) groups.push_back(Group(served, name));
  return list;
}

json Version(absl::string_view version) {
  absl::string_view plain = version;
  absl::ConsumePrefix(&plain, "v");
  const std::vector<std::string> parts = absl::StrSplit(plain, '.');
  json out = json::object();
  out["major"] = parts[0];
  out["minor"] = parts.size() > 1 ? parts[1] : "";
  out["gitVersion"] = std::string(version);
  out["platform"] = "linux/amd64";
  return out;
}

json Namespace(const std::string& name) {
  json out = Kind("Namespace");
  out["metadata"]["name"] = name;
  out["spec"]["finalizers"] = Texts({"kubernetes"});
  out["status"]["phase"] = "Active";
  return out;
}

std::optional<json> Core(const std::vector<std::string>& segments, const std::vector<Served>& served) {
  if (segments.size() == 1) {
    json versions = Kind("APIVersions");
    versions["versions"] = Texts({"v1"});
    return versions;
  }
  if (segments[1] != "v1") return std::nullopt;
  if (segments.size() == 2) return Resources(served, "", "v1");
  if (segments.size() == 4 && segments[2] == "namespaces") return Namespace(segments[3]);
  return std::nullopt;
}

std::optional<json> Grouped(const std::vector<std::string>& segments, const std::vector<Served>& served) {
  if (segments.size() == 1) return Groups(served);
  const std::set<std::string> versions = segments[1].empty() ? std::set<std::string>() : Versions(served, segments[1]);
  if (versions.empty()) return std::nullopt;
  if (segments.size() == 2) {
    json group = Group(served, segments[1]);
    group["kind"] = "APIGroup";
    group["apiVersion"] = "v1";
    return group;
  }
  if (segments.size() == 3 && versions.contains(segments[2])) return Resources(served, segments[1], segments[2]);
  return std::nullopt;
}

}  // namespace

std::optional<json> Discovery(const std::vector<std::string>& segments, const std::vector<Served>& served,
                              absl::string_view version) {
  if (segments.empty()) return std::nullopt;
  if (segments[0] == "version" && segments.size() == 1) return Version(version);
  if (segments[0] == "api") return Core(segments, served);
  if (segments[0] == "apis") return Grouped(segments, served);
  return std::nullopt;
}

}  // namespace ottoscale::apiserver
