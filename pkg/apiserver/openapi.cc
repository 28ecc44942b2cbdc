#include "pkg/apiserver/openapi.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace ottoscale::apiserver {

using nlohmann::json;

namespace {

constexpr char kObjectMeta[] = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
constexpr char kListMeta[] = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

json Text(absl::string_view description) {
  json out = json::object();
  out["type"] = "string";
  out["description"] = std::string(description);
  return out;
}

json TextMap(absl::string_view description) {
  json out = json::object();
  out["type"] = "object";
  out["description"] = std::string(description);
  out["additionalProperties"]["type"] = "string";
  return out;
}

json ListOf(absl::string_view description, absl::string_view type) {
  json out = json::object();
  out["type"] = "array";
  out["description"] = std::string(description);
  out["items"]["type"] = std::string(type);
  return out;
}

json ObjectMeta() {
  json out = json::object();
  out["type"] = "object";
  out["description"] = "What every object has.";
  json& fields = out["properties"];
  fields["name"] = Text("The name, unique among the objects of this kind in the namespace. It cannot be changed.");
  fields["generateName"] = Text("What the name begins with, when the server is to choose it.");
  fields["namespace"] = Text("The namespace. It cannot be changed.");
  fields["labels"] = TextMap("Words by which objects are selected.");
  fields["annotations"] = TextMap("Words for tools and people, by which nothing is selected.");
  fields["uid"] = Text("Tells objects apart that had the same name at different times. Set by the server.");
  fields["resourceVersion"] = Text("Changes with every write. Set by the server.");
  fields["generation"] = Text("Changes when what is wanted changes. Set by the server.");
  fields["generation"]["type"] = "integer";
  fields["generation"]["format"] = "int64";
  fields["creationTimestamp"] = Text("When it was created. Set by the server.");
  fields["creationTimestamp"]["format"] = "date-time";
  fields["deletionTimestamp"] = Text("When its deletion was asked for. Set by the server.");
  fields["deletionTimestamp"]["format"] = "date-time";
  fields["finalizers"] = ListOf("What has to happen before it is deleted.", "string");
  fields["ownerReferences"] = ListOf("The objects that this one belongs to.", "object");
  fields["managedFields"] = ListOf("Who wrote which field. Kept by the server.", "object");
  return out;
}

json ListMeta() {
  json out = json::object();
  out["type"] = "object";
  out["description"] = "What every list has.";
  out["properties"]["resourceVersion"] = Text("The version at which the list was made.");
  out["properties"]["continue"] = Text("Leads to the next page.");
  return out;
}

json Reference(const std::string& name) {
  json out = json::object();
  out["$ref"] = absl::StrCat("#/components/schemas/", name);
  return out;
}

json KindOf(const kubeapi::Resource& resource) {
  json out = json::object();
  out["group"] = resource.group;
  out["version"] = resource.version;
  out["kind"] = resource.kind;
  return out;
}

// "dev.ottoscale.v1alpha1.ScalingPolicy": the group backwards.
std::string SchemaName(const kubeapi::Resource& resource) {
  if (resource.group.empty()) return absl::StrCat("io.k8s.api.core.", resource.version, ".", resource.kind);
  std::vector<std::string> parts = absl::StrSplit(resource.group, '.');
  std::reverse(parts.begin(), parts.end());
  return absl::StrCat(absl::StrJoin(parts, "."), ".", resource.version, ".", resource.kind);
}

json SchemaOf(const Served& served) {
  json out = served.openapi != nullptr ? *served.openapi : json::object();
  if (served.openapi == nullptr) {
    out["type"] = "object";
    out["description"] = absl::StrCat("A ", served.resource.kind, " of ", served.resource.ApiVersion(), ".");
    out["properties"]["apiVersion"] = Text(absl::StrCat("'", served.resource.ApiVersion(), "'."));
    out["properties"]["kind"] = Text(absl::StrCat("'", served.resource.kind, "'."));
  }
  json metadata = json::object();
  metadata["description"] = "What every object has.";
  metadata["allOf"] = json::array({Reference(kObjectMeta)});
  out["properties"]["metadata"] = std::move(metadata);
  out["x-kubernetes-group-version-kind"] = json::array({KindOf(served.resource)});
  return out;
}

json ListSchemaOf(const Served& served) {
  json out = json::object();
  out["type"] = "object";
  out["description"] = absl::StrCat("A list of ", served.resource.kind, ".");
  out["required"] = json::array({"items"});
  json& fields = out["properties"];
  fields["apiVersion"] = Text(absl::StrCat("'", served.resource.ApiVersion(), "'."));
  fields["kind"] = Text(absl::StrCat("'", served.resource.kind, "List'."));
  fields["metadata"] = Reference(kListMeta);
  fields["items"]["type"] = "array";
  fields["items"]["items"] = Reference(SchemaName(served.resource));
  kubeapi::Resource list = served.resource;
  list.kind += "List";
  out["x-kubernetes-group-version-kind"] = json::array({KindOf(list)});
  return out;
}

json Parameter(absl::string_view name, absl::string_view in, absl::string_view description) {
  json out = json::object();
  out["name"] = std::string(name);
  out["in"] = std::string(in);
  out["description"] = std::string(description);
  if (in == "path") out["required"] = true;
  out["schema"]["type"] = name == "force" ? "boolean" : "string";
  out["schema"]["uniqueItems"] = true;
  return out;
}

json Answer(const std::string& schema) {
  json out = json::object();
  out["200"]["description"] = "OK";
  out["200"]["content"]["application/json"]["schema"] = Reference(schema);
  return out;
}

json Operation(const Served& served, const char* action, const std::string& schema) {
  json out = json::object();
  out["operationId"] = absl::StrCat(action, served.resource.kind);
  out["x-kubernetes-action"] = action;
  out["x-kubernetes-group-version-kind"] = KindOf(served.resource);
  out["responses"] = Answer(schema);
  return out;
}

json Writing(const Served& served, const char* action, const std::string& schema) {
  json out = Operation(served, action, schema);
  json& parameters = out["parameters"] = json::array();
  parameters.push_back(Parameter("dryRun", "query", "All: everything is checked and nothing is stored."));
  parameters.push_back(Parameter("fieldManager", "query", "Who writes, for metadata.managedFields."));
  parameters.push_back(
      Parameter("fieldValidation", "query",
                "What becomes of unknown fields. Strict: refused. Warn: left out, with a warning. Ignore: "
                "left out. The default is Warn."));
  const bool patch = absl::string_view(action) == "patch";
  if (patch) parameters.push_back(Parameter("force", "query", "Take over fields that others own, in an apply patch."));
  json& content = out["requestBody"]["content"];
  if (!patch) {
    content["application/json"]["schema"] = Reference(schema);
    return out;
  }
  for (const char* type :
       {"application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"}) {
    content[type]["schema"]["type"] = "object";
  }
  return out;
}

void AddPaths(const Served& served, json& paths) {
  const std::string name = SchemaName(served.resource);
  const std::string list = name + "List";
  const std::string root =
      absl::StrCat(served.resource.group.empty() ? "/api/" : "/apis/", served.resource.ApiVersion());
  const std::string everywhere = absl::StrCat(root, "/", served.resource.plural);
  const std::string collection =
      served.resource.namespaced ? absl::StrCat(root, "/namespaces/{namespace}/", served.resource.plural) : everywhere;
  paths[everywhere]["get"] = Operation(served, "list", list);
  json& many = paths[collection];
  many["get"] = Operation(served, "list", list);
  many["post"] = Writing(served, "post", name);
  for (const bool status : {false, true}) {
    if (status && !(served.custom && served.has_status)) continue;
    json& one = paths[absl::StrCat(collection, "/{name}", status ? "/status" : "")];
    one["parameters"] = json::array({Parameter("name", "path", "The object's name.")});
    if (served.resource.namespaced)
      one["parameters"].push_back(Parameter("namespace", "path", "The object's namespace."));
    one["get"] = Operation(served, "get", name);
    one["put"] = Writing(served, "put", name);
    one["patch"] = Writing(served, "patch", name);
    if (!status) one["delete"] = Operation(served, "delete", name);
  }
}

json Document(const std::vector<Served>& served, absl::string_view group, absl::string_view api_version,
              absl::string_view version) {
  json out = json::object();
  out["openapi"] = "3.0.0";
  out["info"]["title"] = "Kubernetes";
  out["info"]["version"] = std::string(version);
  json& paths = out["paths"] = json::object();
  json& schemas = out["components"]["schemas"];
  schemas[kObjectMeta] = ObjectMeta();
  schemas[kListMeta] = ListMeta();
  for (const Served& each : served) {
    if (each.resource.group != group || each.resource.version != api_version) continue;
    AddPaths(each, paths);
    schemas[SchemaName(each.resource)] = SchemaOf(each);
    schemas[SchemaName(each.resource) + "List"] = ListSchemaOf(each);
  }
  return out;
}

json Index(const std::vector<Served>& served) {
  json out = json::object();
  json& paths = out["paths"] = json::object();
  for (const Served& each : served) {
    const std::string path = absl::StrCat(each.resource.group.empty() ? "api/" : "apis/", each.resource.ApiVersion());
    paths[path]["serverRelativeURL"] = absl::StrCat("/openapi/v3/", path);
  }
  return out;
}

bool IsServed(const std::vector<Served>& served, absl::string_view group, absl::string_view version) {
  return std::any_of(served.begin(), served.end(), [&](const Served& each) {
    return each.resource.group == group && each.resource.version == version;
  });
}

}  // namespace

std::optional<json> OpenApi(const std::vector<std::string>& segments, const std::vector<Served>& served,
                            absl::string_view version) {
  if (segments.size() < 2 || segments[0] != "openapi" || segments[1] != "v3") return std::nullopt;
  if (segments.size() == 2) return Index(served);
  const bool core = segments[2] == "api" && segments.size() == 4;
  const bool grouped = segments[2] == "apis" && segments.size() == 5;
  if (!core && !grouped) return std::nullopt;
  const std::string group = core ? "" : segments[3];
  const std::string& api_version = segments.back();
  if (!IsServed(served, group, api_version)) return std::nullopt;
  return Document(served, group, api_version, version);
}

}  // namespace ottoscale::apiserver
