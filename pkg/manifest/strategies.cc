// metrics[].strategy: how a value becomes a capacity.
#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "pkg/codec/json.h"
#include "pkg/manifest/fields.h"
#include "pkg/manifest/spec_parts.h"

// Note [The heartbeat's timeout]
// Above a certain response time a strategy adds capacity; what takes longer than the timeout is not measured at all. So
// the timeout must be the larger one, or it can never be seen; with `onTimeout: Breach` it may be equal, because the
// timeout then is what adds. The rule ties a provider's configuration to a strategy, so it cannot stand in either: here
// is the one place that looks into a configuration. It holds for any basis: divided by at least one instance, a value
// does not grow.

namespace ottoscale::manifest {
namespace {

constexpr int64_t kDefaultHeartbeatTimeout = 10'000;

// What a heartbeat's timeout must exceed, in milliseconds, and how that is said.
struct Limit {
  double milliseconds = 0;
  std::string what;   // "the threshold's upper"
  std::string found;  // "an upper of 1000"
};

std::string Number(double value) {
  const std::optional<int64_t> integer = codec::ToInt64(value);
  return codec::Dump(integer ? nlohmann::json(*integer) : nlohmann::json(value));
}

void CheckHeartbeatTimeout(ObjectReader& source, const Limit& limit) {
  const nlohmann::json* config = source.Find("httpHeartbeat");
  if (config == nullptr || limit.milliseconds <= 0) return;
  const int64_t timeout = codec::FindInt64(*config, {"timeoutMilliseconds"}).value_or(kDefaultHeartbeatTimeout);
  const bool breach = codec::StringOr(*config, {"onTimeout"}, "Breach") == "Breach";
  const auto milliseconds = static_cast<double>(timeout);
  if (milliseconds > limit.milliseconds || (breach && milliseconds == limit.milliseconds)) return;
  source.report().Add(
      source.path().Key("httpHeartbeat").Key("timeoutMilliseconds"),
      absl::StrCat("must be greater than ", limit.what, ", or equal to it when onTimeout is 'Breach', found ", timeout,
                   " and ", limit.found, breach ? "" : ", with 'Hold'"));
}

policy::Threshold ReadThreshold(ObjectReader threshold) {
  policy::Threshold out;
  threshold.Require("lower", "below it there is more capacity than needed");
  threshold.Require("upper", "above it there is less capacity than needed");
  const std::optional<double> lower = threshold.Decimal("lower", 0, kMaxThreshold);
  const std::optional<double> upper = threshold.Decimal("upper", 0, kMaxThreshold);
  out.lower = lower.value_or(0);
  out.upper = upper.value_or(0);
  if (lower && upper && *lower >= *upper) {
    threshold.Refuse("lower", absl::StrCat("must be less than upper (", Plain(*threshold.Find("upper")), "), found ",
                                           Plain(*threshold.Find("lower"))));
  }
  out.breaches_to_scale_out = threshold.Int("breachesToScaleOut", {1, 100}).value_or(out.breaches_to_scale_out);
  out.breaches_to_scale_in = threshold.Int("breachesToScaleIn", {1, 100}).value_or(out.breaches_to_scale_in);
  out.step_out = threshold.Int("stepOut", {1, 1000}).value_or(out.step_out);
  out.step_in = threshold.Int("stepIn", {1, 1000}).value_or(out.step_in);
  threshold.Finish();
  return out;
}

policy::TargetTracking ReadTargetTracking(ObjectReader tracking) {
  policy::TargetTracking out;
  tracking.Require("target", "the value that is kept, such as 45 connections an instance");
  const std::optional<double> target = tracking.Decimal("target", 0, kMaxThreshold);
  out.target = target.value_or(0);
  if (target && *target <= 0) tracking.Refuse("target", "must be greater than 0, found 0");
  out.scale_out_tolerance_percent =
      tracking.Int("scaleOutTolerancePercent", {0, 1000}).value_or(out.scale_out_tolerance_percent);
  out.scale_in_tolerance_percent =
      tracking.Int("scaleInTolerancePercent", {0, 99}).value_or(out.scale_in_tolerance_percent);
  if (const auto seconds = tracking.Int("lookAheadSeconds", {0, 900})) out.look_ahead = absl::Seconds(*seconds);
  tracking.Finish();
  return out;
}

// One step, and whether it is whole enough to be compared with its neighbours.
struct ReadStep {
  policy::Step step;
  codec::Path path;
  bool comparable = true;
  std::string text;  // "[200, 500)"
};

ReadStep ReadOneStep(ObjectReader object) {
  ReadStep out = {.step = {}, .path = object.path(), .comparable = object.present(), .text = ""};
  object.Require("change", "how many instances or percent are added, or taken away when it is negative");
  const std::optional<int> change = object.Int("change", {-1000, 1000});
  out.step.lower = object.Decimal("lower", 0, kMaxThreshold);
  out.step.upper = object.Decimal("upper", 0, kMaxThreshold);
  out.step.change = change.value_or(0);
  if (change == 0) object.Refuse("change", "must not be 0: where no step is, nothing is done");
  if (out.step.change > 0) object.Require("lower", "a step that adds begins at a value");
  if (out.step.change < 0) object.Require("upper", "a step that takes away ends at a value");
  const std::string lower = object.Has("lower") ? Plain(*object.Find("lower")) : "-";
  const std::string upper = object.Has("upper") ? Plain(*object.Find("upper")) : "-";
  if (out.step.lower && out.step.upper && *out.step.lower >= *out.step.upper) {
    object.Refuse("lower", absl::StrCat("must be less than upper (", upper, "), found ", lower));
  }
  out.comparable = out.comparable && out.step.change != 0 && object.Has("lower") == out.step.lower.has_value() &&
                   object.Has("upper") == out.step.upper.has_value();
  out.text = absl::StrCat(lower, " to ", upper, out.step.change > 0 ? " adds" : " takes away");
  object.Finish();
  return out;
}

bool Follows(const policy::Step& before, const policy::Step& after) {
  if (!before.upper || !after.lower) return false;
  if ((before.change > 0) == (after.change > 0)) return *before.upper == *after.lower;
  return before.change < 0 && *before.upper < *after.lower;
}

// The path is that of the list, as a Kubernetes API server has it; the place in the text is that of the later step.
void CheckOrder(const std::vector<ReadStep>& steps, const codec::Path& list, Report& report) {
  for (const ReadStep& each : steps) {
    if (!each.comparable) return;
  }
  const auto refuse = [&](const ReadStep& at, absl::string_view found) {
    report.Add({.text = list.text, .pointer = at.path.pointer},
               absl::StrCat("must be in order: a step begins where the one before it ends, steps that take away lie "
                            "below those that add with room between them, and the last that adds has no `upper`, "
                            "found ",
                            found));
  };
  for (size_t i = 1; i < steps.size(); ++i) {
    if (Follows(steps[i - 1].step, steps[i].step)) continue;
    refuse(steps[i], absl::StrCat("'", steps[i - 1].text, "' before '", steps[i].text, "'"));
  }
  if (!steps.empty() && steps.back().step.change > 0 && steps.back().step.upper) {
    refuse(steps.back(), absl::StrCat("'", steps.back().text, "' at the end"));
  }
}

policy::StepTable ReadStepTable(ObjectReader table) {
  policy::StepTable out;
  using Change = policy::StepTable::Change;
  const std::vector<codec::Choice<Change>> types = {{"Instances", Change::kInstances}, {"Percent", Change::kPercent}};
  out.change = table.Enum("changeType", types).value_or(out.change);
  table.Require("steps", "which change belongs to which values");
  std::vector<ReadStep> steps;
  for (const ObjectReader::Item& item : table.List("steps", {1, kMaxSteps})) {
    steps.push_back(ReadOneStep(ObjectReader(*item.value, item.path, table.report())));
    out.steps.push_back(steps.back().step);
  }
  CheckOrder(steps, table.path().Key("steps"), table.report());
  out.breaches_to_scale_out = table.Int("breachesToScaleOut", {1, 100}).value_or(out.breaches_to_scale_out);
  out.breaches_to_scale_in = table.Int("breachesToScaleIn", {1, 100}).value_or(out.breaches_to_scale_in);
  table.Finish();
  return out;
}

policy::LatencyGoal ReadLatencyGoal(ObjectReader goal) {
  policy::LatencyGoal out;
  goal.Require("goalMilliseconds", "the response time to keep");
  const std::optional<int> milliseconds = goal.Int("goalMilliseconds", {1, 60'000});
  const std::optional<int> service = goal.Int("serviceMilliseconds", {1, 60'000});
  if (milliseconds && service && *service >= *milliseconds) {
    goal.Refuse("serviceMilliseconds",
                absl::StrCat("must be less than goalMilliseconds (", *milliseconds, "), found ", *service));
  }
  out.goal_milliseconds = milliseconds.value_or(0);
  if (service) out.service_milliseconds = *service;
  out.workers_per_instance = goal.Int("workersPerInstance", {1, 1000}).value_or(out.workers_per_instance);
  goal.Finish();
  return out;
}

Limit LimitOf(const policy::Threshold& threshold) {
  return {.milliseconds = threshold.upper,
          .what = "the threshold's upper",
          .found = absl::StrCat("an upper of ", Number(threshold.upper))};
}
Limit LimitOf(const policy::TargetTracking& tracking) {
  return {.milliseconds = tracking.target * (100.0 + tracking.scale_out_tolerance_percent) / 100.0,
          .what = "the target with its tolerance",
          .found = absl::StrCat("a target of ", Number(tracking.target), " with ", tracking.scale_out_tolerance_percent,
                                " %")};
}
Limit LimitOf(const policy::StepTable& table) {
  double highest = 0;
  for (const policy::Step& step : table.steps) {
    if (step.change >= 0) highest = std::max(highest, step.lower.value_or(0));
  }
  return {.milliseconds = highest,
          .what = "the lower of each step that adds",
          .found = absl::StrCat("a lower of ", Number(highest))};
}
Limit LimitOf(const policy::LatencyGoal& goal) {
  return {.milliseconds = goal.goal_milliseconds,
          .what = "the goal",
          .found = absl::StrCat("a goal of ", Number(goal.goal_milliseconds))};
}

policy::Strategy ReadMember(ObjectReader& strategy, const Alternative& kind) {
  const absl::string_view type = kind.type;
  if (type == "TargetTracking") return ReadTargetTracking(strategy.Object(kind.member));
  if (type == "StepTable") return ReadStepTable(strategy.Object(kind.member));
  if (type == "LatencyGoal") return ReadLatencyGoal(strategy.Object(kind.member));
  return ReadThreshold(strategy.Object(kind.member));
}

}  // namespace

std::optional<policy::Strategy> ReadStrategy(ObjectReader& metric, policy::Basis basis, ObjectReader* source) {
  metric.Require("strategy", "how the value becomes a capacity");
  ObjectReader strategy = metric.Object("strategy");
  if (!strategy.present()) return std::nullopt;
  std::optional<policy::Strategy> out;
  const std::optional<Alternative> kind = ReadUnion(strategy, {{"Threshold", "threshold"},
                                                               {"TargetTracking", "targetTracking"},
                                                               {"StepTable", "stepTable"},
                                                               {"LatencyGoal", "latencyGoal"}});
  if (kind) {
    out = ReadMember(strategy, *kind);
    if (source != nullptr) {
      CheckHeartbeatTimeout(*source, std::visit([](const auto& each) { return LimitOf(each); }, *out));
    }
    if (std::holds_alternative<policy::LatencyGoal>(*out) && basis != policy::Basis::kValue) {
      metric.Refuse(
          "basis",
          "must be 'Value' when the strategy is LatencyGoal: a response time is not shared among the instances");
    }
  }
  strategy.Finish();
  return out;
}

}  // namespace ottoscale::manifest
