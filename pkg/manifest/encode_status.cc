#include <cmath>

#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/time_format.h"
#include "pkg/manifest/memory.h"
#include "pkg/manifest/status.h"

namespace ottoscale::manifest {
namespace {

using decision::PolicyStatus;
using nlohmann::json;

bool IsFinite(absl::Time time) { return time != absl::InfiniteFuture() && time != absl::InfinitePast(); }

// Three decimals, and no ".0": a response time of 1240.0000001 ms is no news.
json Number(double value) {
  const double rounded = std::round(value * 1000) / 1000;
  const std::optional<int64_t> integer = codec::ToInt64(rounded);
  return integer ? json(*integer) : json(rounded);
}

void PutTime(json& object, const char* key, std::optional<absl::Time> time) {
  if (time && IsFinite(*time)) object[key] = kubeapi::PrintTime(*time);
}

void PutExactTime(json& object, const char* key, std::optional<absl::Time> time) {
  if (time && IsFinite(*time)) object[key] = kubeapi::PrintMicroTime(*time);
}

// The lengths of crds/: a status that is longer would be refused as a whole.
constexpr size_t kMaxSentence = 4096;
constexpr size_t kMaxSummary = 2048;
constexpr size_t kMaxConditionMessage = 32'768;

void PutText(json& object, const char* key, const std::string& text, size_t max = kMaxSentence) {
  if (!text.empty()) object[key] = Truncate(text, max);
}

void PutNumber(json& object, const char* key, std::optional<int> number) {
  if (number) object[key] = *number;
}

json Encode(const policy::Limits& limits) {
  json out = {{"min", limits.min}, {"max", limits.max}};
  PutText(out, "minFrom", limits.min_from);
  PutText(out, "maxFrom", limits.max_from);
  if (limits.conflict) out["conflict"] = true;
  return out;
}

json Encode(const decision::MetricStatus& metric) {
  json out = {{"name", metric.name}, {"state", metric.state}};
  if (metric.value && std::isfinite(*metric.value)) out["value"] = Number(*metric.value);
  if (metric.measured && std::isfinite(*metric.measured)) out["measured"] = Number(*metric.measured);
  PutText(out, "unit", metric.unit);
  if (metric.censored) out["censored"] = true;
  PutTime(out, "sampledAt", metric.sampled_at);
  out["breaches"] = metric.breaches;
  out["breachesNeeded"] = metric.breaches_needed;
  PutText(out, "message", metric.message);
  return out;
}

json Encode(const decision::StageStatus& stage) {
  json out = {{"stage", stage.stage}, {"in", stage.in}, {"out", stage.out}, {"code", stage.code}};
  PutText(out, "metric", stage.metric);
  return out;
}

template <typename T>
json EncodeList(const std::vector<T>& values, json (*encode)(const T&)) {
  json out = json::array();
  for (const T& value : values) out.push_back(encode(value));
  return out;
}

json Encode(const decision::DecisionStatus& decided) {
  json out = {{"action", decided.action}, {"from", decided.from}, {"to", decided.to}, {"reason", decided.reason}};
  PutTime(out, "time", decided.time);
  PutText(out, "message", decided.message);
  out["stages"] = EncodeList<decision::StageStatus>(decided.stages, Encode);
  return out;
}

json Encode(const decision::PendingChange& pending) {
  json out = {{"from", pending.from},
              {"to", pending.to},
              {"cause", pending.cause == decision::Cause::kBounds ? "Bounds" : "Metrics"}};
  PutExactTime(out, "time", pending.time);
  return out;
}

json Encode(const decision::AppliedStatus& applied) {
  json out = {{"capacity", applied.capacity}};
  PutExactTime(out, "time", applied.time);
  return out;
}

json Encode(const decision::HistoryEntry& entry) {
  json out = {{"from", entry.from}, {"to", entry.to}, {"result", entry.result}, {"reason", entry.reason}};
  PutTime(out, "time", entry.time);
  PutText(out, "message", entry.message);
  return out;
}

json Encode(const decision::Condition& condition) {
  json out = {{"type", condition.type},
              {"status", condition.status},
              {"reason", condition.reason},
              {"message", Truncate(condition.message, kMaxConditionMessage)},
              {"observedGeneration", condition.observed_generation}};
  PutTime(out, "lastTransitionTime", condition.last_transition);
  return out;
}

}  // namespace

json EncodeStatus(const PolicyStatus& status) {
  json out = json::object();
  out["observedGeneration"] = status.observed_generation;
  PutText(out, "target", status.target);
  PutText(out, "targetUID", status.target_uid);
  PutNumber(out, "currentCapacity", status.current_capacity);
  PutNumber(out, "targetCapacity", status.target_capacity);
  PutNumber(out, "pendingCapacity", status.pending_capacity);
  PutNumber(out, "desiredCapacity", status.desired_capacity);
  if (status.effective_bounds) out["effectiveBounds"] = Encode(*status.effective_bounds);
  if (!status.metrics.empty()) out["metrics"] = EncodeList<decision::MetricStatus>(status.metrics, Encode);
  PutText(out, "metricSummary", status.metric_summary, kMaxSummary);
  if (status.decision) out["decision"] = Encode(*status.decision);
  if (status.pending_change) out["pendingChange"] = Encode(*status.pending_change);
  if (status.last_applied) out["lastApplied"] = Encode(*status.last_applied);
  PutExactTime(out, "lastScaleOutTime", status.last_scale_out_time);
  PutExactTime(out, "lastScaleInTime", status.last_scale_in_time);
  PutTime(out, "nextScaleTime", status.next_scale_time);
  if (!status.history.empty()) out["history"] = EncodeList<decision::HistoryEntry>(status.history, Encode);
  if (!status.conditions.empty()) out["conditions"] = EncodeList<decision::Condition>(status.conditions, Encode);
  if (status.memory != nullptr) PutText(out, "memory", EncodeMemory(*status.memory), std::string::npos);
  return out;
}

}  // namespace ottoscale::manifest
