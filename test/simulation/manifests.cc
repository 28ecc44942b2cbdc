#include "test/simulation/manifests.h"

#include "absl/strings/str_cat.h"
#include "pkg/kubeapi/base64.h"

namespace ottoscale::world {
namespace {

nlohmann::json Metadata(const std::string& name, const std::string& ns) { return {{"name", name}, {"namespace", ns}}; }

nlohmann::json Metric(const PolicyFacts& facts) {
  nlohmann::json threshold = {
      {"lower", facts.lower_ms}, {"upper", facts.upper_ms}, {"breachesToScaleOut", 2}, {"breachesToScaleIn", 3}};
  nlohmann::json heartbeat = {{"url", absl::StrCat("http://web.sim/", facts.app, "/heartbeat")},
                              {"timeoutMilliseconds", 5000},
                              {"bodyContains", "Beat"}};  // a portal's page is fast, too
  return {{"name", "heartbeat"},
          {"source", {{"type", "HTTPHeartbeat"}, {"httpHeartbeat", heartbeat}}},
          {"strategy", {{"type", "Threshold"}, {"threshold", threshold}}}};
}

}  // namespace

nlohmann::json PolicyObject(const PolicyFacts& facts) {
  nlohmann::json spec = {
      {"pollPeriodSeconds", absl::ToInt64Seconds(facts.poll)},
      {"minCapacity", facts.min},
      {"maxCapacity", facts.max},
      {"target",
       {{"type", "HerokuFormation"}, {"herokuFormation", {{"accountRef", {{"name", "heroku"}}}, {"app", facts.app}}}}}};
  spec["metrics"] = nlohmann::json::array();
  spec["metrics"].push_back(Metric(facts));
  spec["behavior"] = {{"settleSeconds", 0},
                      {"scaleOut", {{"cooldownSeconds", absl::ToInt64Seconds(facts.out_cooldown)}}},
                      {"scaleIn",
                       {{"cooldownSeconds", absl::ToInt64Seconds(facts.in_cooldown)},
                        {"stabilizationWindowSeconds", 60},
                        {"policies", nlohmann::json::array()}}}};
  if (!facts.may_write && facts.recommends) spec["mode"] = "Recommend";
  if (!facts.may_write && !facts.recommends) spec["suspend"] = {{"scope", "All"}};
  return {{"apiVersion", "ottoscale.dev/v1alpha1"},
          {"kind", "ScalingPolicy"},
          {"metadata", Metadata(facts.name, facts.ns)},
          {"spec", spec}};
}

nlohmann::json SecretObject(const std::string& ns, const std::string& key) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", Metadata("heroku", ns)},
          {"data", {{"apiKey", kubeapi::EncodeBase64(key)}}}};
}

nlohmann::json AccountObject(const std::string& ns) {
  return {{"apiVersion", "ottoscale.dev/v1alpha1"},
          {"kind", "CloudAccount"},
          {"metadata", Metadata("heroku", ns)},
          {"spec", {{"type", "Heroku"}, {"heroku", {{"apiKeySecretRef", {{"name", "heroku"}, {"key", "apiKey"}}}}}}}};
}

http::ServerRequest Applying(const kubeapi::Resource& resource, const nlohmann::json& object) {
  http::ServerRequest request{.method = "PATCH",
                              .path = resource.ObjectPath(codec::StringOr(object, {"metadata", "namespace"}, ""),
                                                          codec::StringOr(object, {"metadata", "name"}, "")),
                              .query = "fieldManager=kubectl&force=true",
                              .body = codec::Dump(object)};
  request.headers.Set("Content-Type", "application/apply-patch+yaml");
  return request;
}

http::ServerRequest Deleting(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key) {
  return {.method = "DELETE", .path = resource.ObjectPath(key.ns, key.name)};
}

std::string MeaningOf(const nlohmann::json& policy) {
  std::string meaning;
  const nlohmann::json* status = codec::Find(policy, "status");
  if (status == nullptr) return "nothing";
  for (const char* field : {"observedGeneration", "targetUID", "currentCapacity", "targetCapacity", "pendingCapacity",
                            "desiredCapacity", "effectiveBounds", "lastApplied"}) {
    const nlohmann::json* value = codec::Find(*status, field);
    if (value != nullptr) absl::StrAppend(&meaning, field, "=", codec::Dump(*value), " ");
  }
  absl::StrAppend(&meaning, "decided=", codec::StringOr(*status, {"decision", "action"}, ""));
  const nlohmann::json* conditions = codec::Find(*status, "conditions");
  if (conditions == nullptr) return meaning;
  for (const nlohmann::json& condition : *conditions) {
    absl::StrAppend(&meaning, " ", codec::StringOr(condition, {"type"}, ""), "=",
                    codec::StringOr(condition, {"status"}, ""), "/", codec::StringOr(condition, {"reason"}, ""));
  }
  return meaning;
}

}  // namespace ottoscale::world
