// spec.target and spec.metrics: what providers read, and the strategies on top.
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pkg/codec/json.h"
#include "pkg/manifest/fields.h"
#include "pkg/manifest/spec_parts.h"

// Note [The heartbeat's timeout]
// A response time above `upper` is a breach; what takes longer than the timeout is not measured at all. So the timeout
// must be the larger one, or no breach can ever be seen; with `onTimeout: Breach` it may be equal, because the timeout
// then is the breach. The rule ties a provider's configuration to a strategy, so it cannot stand in either: here is the
// one place that looks into a configuration.

namespace ottoscale::manifest {
namespace {

constexpr int64_t kDefaultHeartbeatTimeout = 10'000;

void CheckHeartbeatTimeout(ObjectReader& source, const policy::Threshold& threshold) {
  const nlohmann::json* config = source.Find("httpHeartbeat");
  if (config == nullptr || threshold.upper <= 0) return;
  const int64_t timeout = codec::FindInt64(*config, {"timeoutMilliseconds"}).value_or(kDefaultHeartbeatTimeout);
  const bool breach = codec::StringOr(*config, {"onTimeout"}, "Breach") == "Breach";
  const auto milliseconds = static_cast<double>(timeout);
  if (milliseconds > threshold.upper || (breach && milliseconds == threshold.upper)) return;
  const std::string upper =
      codec::Dump(codec::ToInt64(threshold.upper).has_value() ? nlohmann::json(*codec::ToInt64(threshold.upper))
                                                              : nlohmann::json(threshold.upper));
  source.report().Add(source.path().Key("httpHeartbeat").Key("timeoutMilliseconds"),
                      absl::StrCat("must be greater than the threshold's upper, or equal to it when onTimeout is "
                                   "'Breach', found ",
                                   timeout, " and an upper of ", upper, breach ? "" : ", with 'Hold'"));
}

// A decimal as it was written.
std::string Plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : codec::Dump(value);
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

void CheckAggregation(ObjectReader aggregation) {
  if (!aggregation.present()) return;
  const bool last = OnlyFirst(aggregation, "type", {"Last", "Mean", "ExponentialMean", "Percentile"});
  const std::optional<int64_t> window = aggregation.Int64("windowSeconds", {0, 3600});
  if (last && window.value_or(0) > 0) {
    aggregation.Refuse("windowSeconds", absl::StrCat("must be 0 when `type` is 'Last', found ", *window));
  }
  if (last && aggregation.Has("percent")) aggregation.Refuse("percent", "must not be set when `type` is 'Last'");
  aggregation.Allow({"percent"});
  aggregation.Finish();
}

policy::Metric ReadMetric(ObjectReader object, std::set<std::string>& names, const ProviderCheck& check) {
  policy::Metric out;
  object.Require("name", "it names the metric in messages and in status");
  out.name = Checked(object, "name", CheckLabel).value_or("");
  if (!out.name.empty() && !names.insert(out.name).second) {
    // At the metric and not at its name: where a Kubernetes API server has it, whose list is a map by name.
    object.report().Add(
        object.path(), absl::StrCat("must have a name that is unique among the metrics, found '", out.name, "' again"));
  }
  object.Require("source", "where the value comes from");
  ObjectReader source = object.Object("source");
  std::optional<Alternative> type;
  if (source.present()) {
    type = ReadUnion(source,
                     {{"HTTPHeartbeat", "httpHeartbeat"}, {"RackspaceLoadBalancer", "rackspaceLoadBalancer", false}});
    if (type) out.source = ReadConfig(source, type->type, type->member, false, ConfigKind::kSource, check);
  }
  OnlyFirst(object, "basis", {"Value", "PerInstance", "PerNode"});
  CheckAggregation(object.Object("aggregation"));
  const std::vector<codec::Choice<bool>> directions = {{"Both", false}, {"ScaleOutOnly", true}};
  out.scale_out_only = object.Enum("directions", directions).value_or(false);
  out.max_age = ReadSeconds(object, "maxAgeSeconds", {1, 86'400});

  object.Require("strategy", "how the value becomes a capacity");
  ObjectReader strategy = object.Object("strategy");
  if (strategy.present()) {
    const std::optional<Alternative> kind = ReadUnion(strategy, {{"Threshold", "threshold"},
                                                                 {"TargetTracking", "targetTracking", false},
                                                                 {"StepTable", "stepTable", false},
                                                                 {"LatencyGoal", "latencyGoal", false}});
    if (kind) {
      const policy::Threshold threshold = ReadThreshold(strategy.Object("threshold"));
      if (type) CheckHeartbeatTimeout(source, threshold);
      out.strategy = threshold;
    }
    strategy.Finish();
  }
  source.Finish();
  object.Finish();
  return out;
}

}  // namespace

policy::ProviderConfig ReadConfig(ObjectReader& object, absl::string_view type, absl::string_view member, bool account,
                                  ConfigKind kind, const ProviderCheck& check) {
  const nlohmann::json* value = object.Find(member);
  policy::ProviderConfig out = {.type = std::string(type), .json = codec::Dump(*value)};
  // Only accountRef is read here, so the reader is not finished: the other fields are the provider's.
  ObjectReader config(*value, object.path().Key(member), object.report());
  if (!config.present()) return out;
  const size_t before = object.report().size();
  if (account) {
    if (config.Has("accountRef")) {
      out.account = ReadRef(config, "accountRef");
    } else {
      object.report().AddAtKey(config.path().Key("accountRef"),
                               "is required: set the `name` of a CloudAccount in the "
                               "same namespace");
    }
  }
  if (check && object.report().size() == before) {
    for (const codec::Problem& problem : check(kind, out)) {
      object.report().AddBelow(config.path(), problem.path, problem.message);
    }
  }
  return out;
}

policy::ProviderConfig ReadTarget(ObjectReader& spec, const ProviderCheck& check) {
  spec.Require("target", "what is scaled");
  ObjectReader target = spec.Object("target");
  if (!target.present()) return {};
  policy::ProviderConfig out;
  const std::optional<Alternative> type = ReadUnion(target, {{"HerokuFormation", "herokuFormation"},
                                                             {"OtterGroup", "otterGroup", false},
                                                             {"ScaleSubresource", "scaleSubresource", false}});
  if (type) out = ReadConfig(target, type->type, type->member, true, ConfigKind::kTarget, check);
  target.Finish();
  return out;
}

std::vector<policy::Metric> ReadMetrics(ObjectReader& spec, const ProviderCheck& check) {
  spec.Require("metrics", "at least one metric tells how much capacity is needed");
  std::vector<policy::Metric> out;
  std::set<std::string> names;
  for (const ObjectReader::Item& item : spec.List("metrics", {1, kMaxMetrics})) {
    out.push_back(ReadMetric(ObjectReader(*item.value, item.path, spec.report()), names, check));
  }
  return out;
}

}  // namespace ottoscale::manifest
