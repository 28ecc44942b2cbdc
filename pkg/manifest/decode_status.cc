#include <algorithm>
#include <limits>

#include "absl/strings/string_view.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/time_format.h"
#include "pkg/manifest/memory.h"
#include "pkg/manifest/status.h"

namespace ottoscale::manifest {
namespace {

using decision::PolicyStatus;
using nlohmann::json;

std::string Text(const json& object, absl::string_view key) { return codec::StringOr(object, {key}, ""); }

std::optional<int> Number(const json& object, absl::string_view key) {
  const std::optional<int64_t> value = codec::FindInt64(object, {key});
  const bool fits = value && *value >= std::numeric_limits<int>::min() && *value <= std::numeric_limits<int>::max();
  if (!fits) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<absl::Time> Time(const json& object, absl::string_view key) {
  const absl::StatusOr<absl::Time> time = kubeapi::ParseTime(Text(object, key));
  if (!time.ok()) return std::nullopt;
  return *time;
}

// The list's objects, each read by `decode`; the newest `max` when there are more.
template <typename T>
std::vector<T> List(const json& object, absl::string_view key, T (*decode)(const json&), size_t max) {
  std::vector<T> out;
  const json* list = codec::Find(object, key);
  if (list == nullptr || !list->is_array()) return out;
  for (size_t i = list->size() - std::min(max, list->size()); i < list->size(); ++i) out.push_back(decode((*list)[i]));
  return out;
}

constexpr size_t kMaxItems = 64;  // of metrics, stages and conditions: more were never written by us

policy::Limits DecodeLimits(const json& object) {
  return {.min = Number(object, "min").value_or(0),
          .max = Number(object, "max").value_or(0),
          .min_from = Text(object, "minFrom"),
          .max_from = Text(object, "maxFrom"),
          .conflict = codec::FindBool(object, {"conflict"}).value_or(false)};
}

std::optional<double> Decimal(const json& object, absl::string_view key) {
  const json* value = codec::Find(object, key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->get<double>();
}

decision::MetricStatus DecodeMetric(const json& object) {
  return {.name = Text(object, "name"),
          .state = Text(object, "state"),
          .value = Decimal(object, "value"),
          .measured = Decimal(object, "measured"),
          .unit = Text(object, "unit"),
          .censored = codec::FindBool(object, {"censored"}).value_or(false),
          .sampled_at = Time(object, "sampledAt"),
          .breaches = Number(object, "breaches").value_or(0),
          .breaches_needed = Number(object, "breachesNeeded").value_or(0),
          .message = Text(object, "message")};
}

decision::StageStatus DecodeStage(const json& object) {
  return {.stage = Text(object, "stage"),
          .metric = Text(object, "metric"),
          .in = Number(object, "in").value_or(0),
          .out = Number(object, "out").value_or(0),
          .code = Text(object, "code")};
}

decision::DecisionStatus DecodeDecision(const json& object) {
  return {.action = Text(object, "action"),
          .from = Number(object, "from").value_or(0),
          .to = Number(object, "to").value_or(0),
          .time = Time(object, "time").value_or(absl::Time()),
          .reason = Text(object, "reason"),
          .message = Text(object, "message"),
          .stages = List(object, "stages", DecodeStage, kMaxItems)};
}

decision::HistoryEntry DecodeHistory(const json& object) {
  return {.time = Time(object, "time").value_or(absl::Time()),
          .from = Number(object, "from").value_or(0),
          .to = Number(object, "to").value_or(0),
          .result = Text(object, "result"),
          .reason = Text(object, "reason"),
          .message = Text(object, "message")};
}

decision::Condition DecodeCondition(const json& object) {
  return {.type = Text(object, "type"),
          .status = Text(object, "status"),
          .reason = Text(object, "reason"),
          .message = Text(object, "message"),
          .observed_generation = codec::FindInt64(object, {"observedGeneration"}).value_or(0),
          .last_transition = Time(object, "lastTransitionTime").value_or(absl::Time())};
}

// An intent counts only whole: half of one says nothing about what was bought.
std::optional<decision::PendingChange> DecodePending(const json& status) {
  const json* object = codec::Find(status, "pendingChange");
  if (object == nullptr) return std::nullopt;
  const std::optional<int> from = Number(*object, "from");
  const std::optional<int> to = Number(*object, "to");
  const std::optional<absl::Time> time = Time(*object, "time");
  if (!from || !to || !time) return std::nullopt;
  const bool bounds = Text(*object, "cause") == "Bounds";
  return decision::PendingChange{
      .from = *from, .to = *to, .cause = bounds ? decision::Cause::kBounds : decision::Cause::kMetrics, .time = *time};
}

std::optional<decision::AppliedStatus> DecodeApplied(const json& status) {
  const json* object = codec::Find(status, "lastApplied");
  if (object == nullptr) return std::nullopt;
  const std::optional<int> capacity = Number(*object, "capacity");
  const std::optional<absl::Time> time = Time(*object, "time");
  if (!capacity || !time) return std::nullopt;
  return decision::AppliedStatus{.capacity = *capacity, .time = *time};
}

}  // namespace

PolicyStatus DecodeStatus(const json& status) {
  PolicyStatus out;
  out.observed_generation = codec::FindInt64(status, {"observedGeneration"}).value_or(0);
  out.target = Text(status, "target");
  out.target_uid = Text(status, "targetUID");
  out.current_capacity = Number(status, "currentCapacity");
  out.target_capacity = Number(status, "targetCapacity");
  out.pending_capacity = Number(status, "pendingCapacity");
  out.desired_capacity = Number(status, "desiredCapacity");
  if (const json* bounds = codec::Find(status, "effectiveBounds")) out.effective_bounds = DecodeLimits(*bounds);
  out.metrics = List(status, "metrics", DecodeMetric, kMaxItems);
  out.metric_summary = Text(status, "metricSummary");
  if (const json* decision = codec::Find(status, "decision")) out.decision = DecodeDecision(*decision);
  out.pending_change = DecodePending(status);
  out.last_applied = DecodeApplied(status);
  out.last_scale_out_time = Time(status, "lastScaleOutTime");
  out.last_scale_in_time = Time(status, "lastScaleInTime");
  out.next_scale_time = Time(status, "nextScaleTime");
  out.history = List(status, "history", DecodeHistory, PolicyStatus::kMaxHistory);
  out.conditions = List(status, "conditions", DecodeCondition, kMaxItems);
  out.memory = DecodeMemory(Text(status, "memory"));
  return out;
}

}  // namespace ottoscale::manifest
