#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/kubeapi/time_format.h"
#include "pkg/manifest/fields.h"
#include "pkg/manifest/kinds.h"
#include "pkg/manifest/spec_parts.h"

namespace ottoscale::manifest {
namespace {

std::optional<policy::Suspend> ReadSuspend(ObjectReader& spec) {
  ObjectReader object = spec.Object("suspend");
  if (!object.present()) return std::nullopt;
  using Scope = policy::Suspend::Scope;
  const std::vector<codec::Choice<Scope>> scopes = {
      {"All", Scope::kAll}, {"ScaleIn", Scope::kScaleIn}, {"ScaleOut", Scope::kScaleOut}};
  policy::Suspend out;
  out.scope = object.Enum("scope", scopes).value_or(Scope::kAll);
  if (const std::optional<std::string> text = object.String("untilTime", {1, 64})) {
    const absl::StatusOr<absl::Time> time = kubeapi::ParseTime(*text);
    if (time.ok()) {
      out.until = *time;
    } else {
      object.Refuse("untilTime", absl::StrCat("must be a time such as \"2026-12-01T00:00:00Z\", found '",
                                              Truncate(Printable(*text), 64), "'"));
    }
  }
  out.reason = object.String("reason", {0, 256}).value_or("");
  object.Finish();
  return out;
}

void ReadBounds(ObjectReader& spec, policy::ScalingPolicy& out) {
  spec.Require("maxCapacity", "nobody scales without a ceiling");
  const std::optional<int> min = spec.Int("minCapacity", {0, kMaxCapacity});
  const std::optional<int> max = spec.Int("maxCapacity", {1, kMaxCapacity});
  out.min_capacity = min.value_or(out.min_capacity);
  out.max_capacity = max.value_or(out.max_capacity);
  if (min && max && *min > *max) {
    spec.Refuse("minCapacity", absl::StrCat("must be less than or equal to maxCapacity (", *max, "), found ", *min));
  }
}

const std::vector<std::string>& Events() {
  static const std::vector<std::string> kEvents = {"ScaledOut",      "ScaledIn",      "ScaleFailed",
                                                   "NeedsExceedMax", "NeedsBelowMin", "Suspended"};
  return kEvents;
}

policy::NotificationRule ReadNotification(ObjectReader object) {
  policy::NotificationRule out;
  out.channel = ReadRef(object, "channelRef");
  object.Require("events", "what is told");
  std::set<std::string> seen;
  for (const ObjectReader::Item& item : object.List("events", {1, kMaxEvents})) {
    // An element reads like a member: the words for a wrong one are the same.
    const nlohmann::json one = {{"event", *item.value}};
    Report scratch(nullptr);
    ObjectReader element(one, {}, scratch);
    const std::optional<size_t> index = element.OneOf("event", Events());
    for (const codec::Problem& problem : scratch.Take()) object.report().Add(item.path, problem.message);
    if (!index) continue;
    if (!seen.insert(Events()[*index]).second) {
      object.report().Add(item.path, absl::StrCat("must be listed once, found '", Events()[*index], "' again"));
    }
    out.events.push_back(Events()[*index]);
  }
  if (object.Has("rapidChange")) object.Refuse("rapidChange", "must not be set: this version does not watch for it");
  object.Finish();
  return out;
}

std::vector<policy::NotificationRule> ReadNotifications(ObjectReader& spec) {
  std::vector<policy::NotificationRule> out;
  for (const ObjectReader::Item& item : spec.List("notifications", {0, kMaxNotifications})) {
    out.push_back(ReadNotification(ObjectReader(*item.value, item.path, spec.report())));
  }
  return out;
}

// The highest capacity that any time can have, as written.
int HighestMaximum(const policy::ScalingPolicy& spec) {
  int out = spec.max_capacity;
  for (const policy::Window& window : spec.schedule.windows) out = std::max(out, window.max_capacity.value_or(0));
  return out;
}

// After the bounds and the schedule, which limit what it may ask for.
policy::Fallback ReadFallback(ObjectReader& spec, const policy::ScalingPolicy& read) {
  policy::Fallback out;
  ObjectReader fallback = spec.Object("fallback");
  if (!fallback.present()) return out;
  const std::optional<Alternative> type = ReadUnion(fallback, {{"Hold", ""}, {"AtLeast", "atLeast"}}, true);
  out.after = ReadSeconds(fallback, "afterSeconds", {1, 86'400}).value_or(out.after);
  if (type && absl::string_view(type->type) == "AtLeast") {
    out.type = policy::Fallback::Type::kAtLeast;
    ObjectReader at_least = fallback.Object("atLeast");
    at_least.Require("capacity", "enough for a time without sight");
    out.capacity = at_least.Int("capacity", {1, kMaxCapacity}).value_or(0);
    const int highest = HighestMaximum(read);
    if (out.capacity > highest) {
      at_least.Refuse("capacity", absl::StrCat("must be less than or equal to maxCapacity or that of a window (",
                                               highest, " at most), found ", out.capacity));
    }
    at_least.Finish();
  }
  fallback.Finish();
  return out;
}

policy::ManualChange ReadManualChange(ObjectReader& spec) {
  policy::ManualChange out;
  ObjectReader manual = spec.Object("manualChange");
  if (!manual.present()) return out;
  const std::optional<Alternative> type = ReadUnion(manual, {{"Adopt", ""}, {"Hold", "hold"}, {"Revert", ""}}, true);
  using Type = policy::ManualChange::Type;
  if (type && absl::string_view(type->type) == "Revert") out.type = Type::kRevert;
  if (type && absl::string_view(type->type) == "Hold") {
    out.type = Type::kHold;
    ObjectReader hold = manual.Object("hold");
    hold.Require("holdSeconds", "for how long somebody else's change is left as it is");
    out.hold = ReadSeconds(hold, "holdSeconds", {60, 604'800}).value_or(out.hold);
    hold.Finish();
  }
  manual.Finish();
  return out;
}

policy::ScalingPolicy ReadSpec(ObjectReader spec, const ProviderCheck& check) {
  policy::ScalingPolicy out;
  const std::vector<codec::Choice<policy::Mode>> modes = {{"Enforce", policy::Mode::kEnforce},
                                                          {"Recommend", policy::Mode::kRecommend}};
  out.mode = spec.Enum("mode", modes).value_or(policy::Mode::kEnforce);
  out.suspend = ReadSuspend(spec);
  out.poll_period = ReadSeconds(spec, "pollPeriodSeconds", {5, 3600}).value_or(out.poll_period);
  out.target = ReadTarget(spec, check);
  ReadBounds(spec, out);
  out.schedule = ReadSchedule(spec);
  out.metrics = ReadMetrics(spec, check);
  out.behavior = ReadBehavior(spec);
  out.fallback = ReadFallback(spec, out);
  out.manual_change = ReadManualChange(spec);
  out.notifications = ReadNotifications(spec);
  spec.Finish();
  return out;
}

}  // namespace

std::optional<policy::ScalingPolicy> ReadScalingPolicy(ObjectReader& root, const ProviderCheck& check) {
  root.Require("spec", "what is scaled, by what, between which bounds");
  ObjectReader spec = root.Object("spec");
  if (!spec.present()) return std::nullopt;
  return ReadSpec(std::move(spec), check);
}

}  // namespace ottoscale::manifest
