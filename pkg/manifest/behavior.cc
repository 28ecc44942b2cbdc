// spec.behavior: how fast and how far.
#include "pkg/manifest/fields.h"
#include "pkg/manifest/spec_parts.h"

namespace ottoscale::manifest {
namespace {

policy::RatePolicy ReadRatePolicy(ObjectReader object) {
  policy::RatePolicy out;
  using Type = policy::RatePolicy::Type;
  const std::vector<codec::Choice<Type>> types = {{"Percent", Type::kPercent}, {"Instances", Type::kInstances}};
  for (const char* key : {"type", "value", "periodSeconds"}) object.Require(key);
  out.type = object.Enum("type", types).value_or(out.type);
  out.value = object.Int("value", {1, 1000}).value_or(out.value);
  out.period = ReadSeconds(object, "periodSeconds", {1, 3600}).value_or(out.period);
  object.Finish();
  return out;
}

policy::DirectionBehavior ReadDirection(ObjectReader object, policy::DirectionBehavior out) {
  if (!object.present()) return out;
  using Select = policy::DirectionBehavior::Select;
  const std::vector<codec::Choice<Select>> selects = {
      {"Max", Select::kMax}, {"Min", Select::kMin}, {"Disabled", Select::kDisabled}};
  out.cooldown = ReadSeconds(object, "cooldownSeconds", {0, 86'400}).value_or(out.cooldown);
  out.stabilization_window =
      ReadSeconds(object, "stabilizationWindowSeconds", {0, 3600}).value_or(out.stabilization_window);
  out.select = object.Enum("selectPolicy", selects).value_or(out.select);
  if (object.Has("policies")) {
    out.policies.clear();
    for (const ObjectReader::Item& item : object.List("policies", {0, kMaxRatePolicies})) {
      out.policies.push_back(ReadRatePolicy(ObjectReader(*item.value, item.path, object.report())));
    }
  }
  object.Finish();
  return out;
}

}  // namespace

policy::Behavior ReadBehavior(ObjectReader& spec) {
  policy::Behavior out;
  ObjectReader behavior = spec.Object("behavior");
  if (!behavior.present()) return out;
  out.scale_out = ReadDirection(behavior.Object("scaleOut"), out.scale_out);
  out.scale_in = ReadDirection(behavior.Object("scaleIn"), out.scale_in);
  out.settle = ReadSeconds(behavior, "settleSeconds", {0, 3600}).value_or(out.settle);
  out.progress_deadline =
      ReadSeconds(behavior, "progressDeadlineSeconds", {10, 86'400}).value_or(out.progress_deadline);
  const std::vector<codec::Choice<bool>> projections = {{"Enabled", true}, {"Disabled", false}};
  out.project_scale_in = behavior.Enum("scaleInProjection", projections).value_or(out.project_scale_in);
  behavior.Finish();
  return out;
}

}  // namespace ottoscale::manifest
