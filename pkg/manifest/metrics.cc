// spec.target and spec.metrics: what providers read, and what is made of it. The strategies are in strategies.cc.
#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/codec/json.h"
#include "pkg/manifest/fields.h"
#include "pkg/manifest/spec_parts.h"

namespace ottoscale::manifest {
namespace {

policy::Basis ReadBasis(ObjectReader& metric) {
  using policy::Basis;
  const std::vector<codec::Choice<Basis>> bases = {{"Value", Basis::kValue}, {"PerInstance", Basis::kPerInstance}};
  return ReadSupported(metric, "basis", bases, {"PerNode"}).value_or(Basis::kValue);  // no source has nodes yet
}

policy::Aggregation ReadAggregation(ObjectReader object) {
  policy::Aggregation out;
  if (!object.present()) return out;
  using Type = policy::Aggregation::Type;
  const std::vector<codec::Choice<Type>> types = {{"Last", Type::kLast},
                                                  {"Mean", Type::kMean},
                                                  {"ExponentialMean", Type::kExponentialMean},
                                                  {"Percentile", Type::kPercentile}};
  const std::optional<Type> named = object.Enum("type", types);
  const bool known = named || !object.Has("type");
  out.type = named.value_or(Type::kLast);
  const char* type = types.at(static_cast<size_t>(out.type)).name;
  const std::optional<int64_t> window = object.Int64("windowSeconds", {0, 3600});
  out.window = absl::Seconds(window.value_or(0));
  if (known && out.type == Type::kLast && window.value_or(0) > 0) {
    object.Refuse("windowSeconds", absl::StrCat("must be 0 when `type` is 'Last', found ", *window));
  }
  if (known && out.type != Type::kLast && (!object.Has("windowSeconds") || window == 0)) {
    // Absent or 0, the default, is the same mistake.
    object.report().Add(object.path().Key("windowSeconds"),
                        absl::StrCat("must be from 1 to 3600 when `type` is '", type, "', found 0"));
  }
  if (known && out.type != Type::kPercentile && object.Has("percent")) {
    object.Refuse("percent", absl::StrCat("must not be set when `type` is '", type, "'"));
  }
  if (const std::optional<double> percent = object.Decimal("percent", 0, kMaxThreshold)) {
    if (*percent <= 0 || *percent > 100) {
      object.Refuse("percent",
                    absl::StrCat("must be greater than 0 and at most 100, found ", Plain(*object.Find("percent"))));
    }
    out.percent = *percent;
  }
  object.Finish();
  return out;
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
  out.basis = ReadBasis(object);
  out.aggregation = ReadAggregation(object.Object("aggregation"));
  using SuddenDrop = policy::Metric::SuddenDrop;
  const std::vector<codec::Choice<SuddenDrop>> drops = {{"Confirm", SuddenDrop::kConfirm},
                                                        {"Accept", SuddenDrop::kAccept}};
  out.sudden_drop = object.Enum("suddenDrop", drops).value_or(out.sudden_drop);
  const std::vector<codec::Choice<bool>> directions = {{"Both", false}, {"ScaleOutOnly", true}};
  out.scale_out_only = object.Enum("directions", directions).value_or(false);
  out.max_age = ReadSeconds(object, "maxAgeSeconds", {1, 86'400});

  out.strategy = ReadStrategy(object, out.basis, type ? &source : nullptr).value_or(out.strategy);
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
