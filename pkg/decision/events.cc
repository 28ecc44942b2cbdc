#include "pkg/decision/events.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "pkg/decision/words.h"

namespace ottoscale::decision {
namespace {

// One pass and the one before it.
struct Step {
  const Outcome* before;  // null after a start
  const Outcome& now;
  const History& history;
  std::vector<Event> events;

  void Normal(const char* reason, std::string note, const char* action) {
    events.push_back({.warning = false, .reason = reason, .note = std::move(note), .action = action});
  }
  void Warning(std::string reason, std::string note, const char* action) {
    events.push_back({.warning = true, .reason = std::move(reason), .note = std::move(note), .action = action});
  }
};

// "dynos", of whichever reading knows.
std::string UnitOf(const Outcome& outcome) {
  const TargetState* target = outcome.observation.state();
  return target != nullptr ? target->unit : "instances";
}

void TellApplied(Step& step, const Applied& applied) {
  const Decision& decision = step.now.decision;
  const std::string differs =
      applied.capacity == decision.to
          ? ""
          : absl::StrCat(" (the cloud says ", CapacityWords(applied.capacity, UnitOf(step.now)), ")");
  step.Normal(decision.action == Action::kScaleOut ? "ScaledOut" : "ScaledIn", absl::StrCat(decision.message, differs),
              "Scale");
}

const char* RefusedReason(const Refused& refused) {
  switch (refused.kind) {
    case Refused::Kind::kLimit: return "LimitedByMaxCapacity";
    case Refused::Kind::kRateLimited: return FaultName(TargetFault::kRateLimited);
    case Refused::Kind::kCredentials: return FaultName(TargetFault::kCredentialsInvalid);
    case Refused::Kind::kNotFound: return FaultName(TargetFault::kTargetNotFound);
    case Refused::Kind::kBusy:
    case Refused::Kind::kInvalid: return "ScaleFailed";
  }
  return "ScaleFailed";
}

// The write before ended in the same way: told once.
bool FailedAlike(const Step& step) {
  if (step.before == nullptr || step.before->write.index() != step.now.write.index()) return false;
  const auto* was = std::get_if<Refused>(&step.before->write);
  const auto* is = std::get_if<Refused>(&step.now.write);
  return was == nullptr || was->kind == is->kind;
}

// The end of a write was unknown, or its operator died, and this reading shows that it was made.
void TellReadBack(Step& step) {
  if (!step.history.read_back || !(step.history.read_back->found == step.now.now)) return;
  const Change& change = step.history.read_back->change;
  step.Normal(change.to > change.from ? "ScaledOut" : "ScaledIn",
              absl::StrCat("the write whose end was unknown was made: ", change.from, " \u2192 ", change.to, " ",
                           UnitOf(step.now)),
              "Scale");
}

void TellWrite(Step& step) {
  const WriteResult& write = step.now.write;
  if (const auto* applied = std::get_if<Applied>(&write)) return TellApplied(step, *applied);
  if (FailedAlike(step)) return;
  const Decision& decision = step.now.decision;
  const std::string change = absl::StrCat(decision.from, " \u2192 ", decision.to, " ", UnitOf(step.now), ": ");
  if (const auto* refused = std::get_if<Refused>(&write)) {
    step.Warning(RefusedReason(*refused), absl::StrCat(change, refused->message), "Scale");
  } else if (const auto* unknown = std::get_if<Unknown>(&write)) {
    step.Warning("ScaleFailed", absl::StrCat(change, "it is not known whether it happened: ", unknown->message),
                 "Scale");
  } else if (const auto* violation = std::get_if<Violation>(&write)) {
    step.Warning("ScaleFailed",
                 absl::StrCat(change, "refused by the write gate (", violation->check, "): ", violation->message),
                 "Scale");
  }
}

// The bound that keeps the capacity where it is although the metrics want more or less.
bool IsHeldBy(const Outcome& outcome, std::initializer_list<Code> codes) {
  const Decision& decision = outcome.decision;
  if (decision.action != Action::kHold) return false;
  return std::any_of(decision.reasons.begin(), decision.reasons.end(), [codes](const Reason& reason) {
    return reason.in != reason.out && std::find(codes.begin(), codes.end(), reason.code) != codes.end();
  });
}

void TellLimit(Step& step, const char* reason, std::initializer_list<Code> codes) {
  if (!IsHeldBy(step.now, codes)) return;
  if (step.before != nullptr && IsHeldBy(*step.before, codes)) return;
  step.Warning(reason, step.now.decision.message, "Scale");
}

// The refusal that taught a ceiling has told of it.
bool WasRefusedAtLimit(const Outcome* outcome) {
  const auto* refused = outcome != nullptr ? std::get_if<Refused>(&outcome->write) : nullptr;
  return refused != nullptr && refused->kind == Refused::Kind::kLimit;
}

void TellLimits(Step& step) {
  if (!WasRefusedAtLimit(step.before)) {
    TellLimit(step, "LimitedByMaxCapacity", {Code::kLimitedByMax, Code::kTargetBounds});
  }
  // At one dyno there is nothing to take away: an idle app is no news.
  if (step.now.decision.from > 1) TellLimit(step, "LimitedByMinCapacity", {Code::kLimitedByMin});
}

enum class Health { kUnknown, kGood, kBad };

Health HealthOf(const MetricVerdict& verdict) {
  if (verdict.state == MetricVerdict::State::kMissing || verdict.state == MetricVerdict::State::kStale)
    return Health::kBad;
  return verdict.value ? Health::kGood : Health::kUnknown;
}

Health HealthBefore(const Step& step, const std::string& metric) {
  if (step.before == nullptr) return Health::kUnknown;
  for (const MetricVerdict& verdict : step.before->decision.metrics) {
    if (verdict.name == metric) return HealthOf(verdict);
  }
  return Health::kUnknown;
}

std::string MissingWords(const Outcome& outcome, size_t i) {
  const MetricVerdict& verdict = outcome.decision.metrics[i];
  if (verdict.state == MetricVerdict::State::kStale) return "the last sample is too old";
  if (i >= outcome.observation.samples.size()) return MissingReasonName(MissingReason::kNotRead);
  const Sample& sample = outcome.observation.samples[i];
  return absl::StrCat(MissingReasonName(sample.missing), sample.message.empty() ? "" : ": ", sample.message);
}

void TellMetrics(Step& step) {
  for (size_t i = 0; i < step.now.decision.metrics.size(); ++i) {
    const MetricVerdict& verdict = step.now.decision.metrics[i];
    const Health before = HealthBefore(step, verdict.name);
    const Health now = HealthOf(verdict);
    if (now == Health::kBad && before != Health::kBad) {
      step.Warning("MetricUnavailable", absl::StrCat("metric ", verdict.name, ": ", MissingWords(step.now, i)),
                   "ReadMetric");
    }
    if (now == Health::kGood && before == Health::kBad) {
      step.Normal("MetricRecovered", absl::StrCat("metric ", verdict.name, " has samples again"), "ReadMetric");
    }
  }
}

std::string FaultReason(const TargetFailure& failure) {
  return failure.reason.empty() ? FaultName(failure.fault) : failure.reason;
}

void TellTarget(Step& step) {
  const TargetFailure* failure = step.now.observation.failure();
  if (failure == nullptr) return;
  const TargetFailure* was = step.before != nullptr ? step.before->observation.failure() : nullptr;
  if (was != nullptr && FaultReason(*was) == FaultReason(*failure)) return;
  step.Warning(FaultReason(*failure), failure->message.empty() ? FaultReason(*failure) : failure->message,
               "ReadTarget");
}

void TellOthers(Step& step) {
  const std::optional<Change>& change = step.history.last_external;
  if (!change || !(change->at == step.now.now)) return;
  step.Normal("ExternalChangeObserved",
              absl::StrCat("somebody else has changed the target: ", change->from, " \u2192 ", change->to, " ",
                           UnitOf(step.now)),
              "ReadTarget");
}

void TellSuspension(Step& step) {
  if (step.before == nullptr || step.before->decision.suspended == step.now.decision.suspended) return;
  if (step.now.decision.suspended) {
    step.Normal("Suspended", "scaling is suspended, as spec.suspend says", "Suspend");
  } else {
    step.Normal("Resumed", "scaling goes on", "Suspend");
  }
}

}  // namespace

std::vector<Event> EventsFor(const Outcome* previous, const History& history, const Outcome& outcome) {
  Step step{.before = previous, .now = outcome, .history = history};
  TellSuspension(step);
  TellOthers(step);
  TellTarget(step);
  TellMetrics(step);
  TellReadBack(step);
  TellWrite(step);
  TellLimits(step);
  return std::move(step.events);
}

}  // namespace ottoscale::decision
