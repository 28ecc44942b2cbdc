// Stages Target and Quality: whether there is something to decide about, and which samples may count.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pkg/decision/draft.h"
#include "pkg/decision/words.h"

namespace ottoscale::decision {
namespace {

// Whether the 0 that the cloud has been told is ours: the last thing that happened to it is our own write of 0.
bool ZeroIsOurs(const History& history) {
  if (!history.last_applied || history.last_applied->to != 0) return false;
  return !history.last_external || history.last_external->at.boot <= history.last_applied->at.boot;
}

bool IsOffSwitch(const Draft& draft) {
  return draft.target()->desired == 0 && draft.decision.limits.min >= 1 && !ZeroIsOurs(draft.history);
}

void HoldAtTarget(Draft& draft, Code code, std::string detail) {
  draft.held = true;
  draft.Hold(Stage::kTarget, code, std::move(detail));
}

// An app that is off or has nothing running answers for its platform, not for itself.
bool AnswersForItself(const Draft& draft, const policy::Metric& metric) {
  const TargetState* target = draft.target();
  if (metric.source.type != "HTTPHeartbeat" || target == nullptr) return true;
  return !target->off && target->desired > 0;
}

struct Quality {
  MetricVerdict::State state = MetricVerdict::State::kUnknown;  // kUnknown: usable
  Code code = Code::kSampleMissing;
  std::string detail;
};

Quality QualityOf(const Draft& draft, const policy::Metric& metric, const Sample& sample) {
  using State = MetricVerdict::State;
  if (!AnswersForItself(draft, metric)) {
    return {State::kIgnored, Code::kSampleMissing, "has no sample: the target is off and answers nothing"};
  }
  if (sample.state == SampleState::kMissing) {
    return {State::kMissing, Code::kSampleMissing,
            absl::StrCat("has no sample (", MissingReasonName(sample.missing), sample.message.empty() ? "" : ": ",
                         absl::StripSuffix(sample.message, "."), ")")};
  }
  if (!std::isfinite(sample.value)) return {State::kMissing, Code::kSampleMissing, "has no sample (not a number)"};
  const absl::Duration age = draft.now.boot - sample.measured_at.boot;
  if (age > MaxAge(draft.spec, metric)) {
    return {
        State::kStale, Code::kSampleStale,
        absl::StrCat("has no fresh sample (the last is older than ", DurationWords(MaxAge(draft.spec, metric)), ")")};
  }
  return {};
}

MetricVerdict VerdictWithout(const policy::Metric& metric, const Sample& sample, const MetricHistory* history,
                             MetricVerdict::State state) {
  MetricVerdict verdict{.name = metric.name, .state = state, .unit = sample.unit};
  if (sample.state != SampleState::kMissing) verdict.sampled_at = sample.measured_at.wall;
  if (history != nullptr) {
    verdict.breaches = history->run;
    verdict.above = history->above;
  }
  return verdict;
}

const Sample& NotRead() {
  static const Sample kNotRead{.missing = MissingReason::kNotRead};
  return kNotRead;
}

}  // namespace

void JudgeTarget(Draft& draft) {
  const TargetState* target = draft.target();
  if (target == nullptr) {
    const TargetFailure& failure = *draft.seen.failure();
    const std::string name = failure.reason.empty() ? FaultName(failure.fault) : failure.reason;
    return HoldAtTarget(draft, Code::kTargetUnknown,
                        failure.message.empty() ? name : std::string(absl::StripSuffix(failure.message, ".")));
  }
  if (draft.history.write_unknown) {
    return HoldAtTarget(draft, Code::kAwaitingReadBack,
                        "the last write may have happened, and the target was not read since");
  }
  if (target->off) {
    return HoldAtTarget(draft, Code::kTargetOff,
                        absl::StrCat("the target is switched off", target->off_reason.empty() ? "" : " (",
                                     target->off_reason, target->off_reason.empty() ? "" : ")"));
  }
  if (IsOffSwitch(draft)) {
    HoldAtTarget(draft, Code::kScaledToZero,
                 absl::StrCat("somebody has set the target to ", CapacityWords(0, target->unit),
                              ", which switches it off until it is set above 0 again"));
  }
}

void JudgeSamples(Draft& draft) {
  for (size_t i = 0; i < draft.spec.metrics.size(); ++i) {
    const policy::Metric& metric = draft.spec.metrics[i];
    const Sample& sample = i < draft.seen.samples.size() ? draft.seen.samples[i] : NotRead();
    Quality quality = QualityOf(draft, metric, sample);
    const bool usable = quality.state == MetricVerdict::State::kUnknown;
    draft.usable.push_back(usable ? &sample : nullptr);
    draft.decision.metrics.push_back(
        VerdictWithout(metric, sample, FindMetric(draft.history, metric.name), quality.state));
    draft.words.push_back({.stage = Stage::kQuality,
                           .code = quality.code,
                           .metric = metric.name,
                           .in = draft.from(),
                           .out = draft.from(),
                           .detail = quality.detail});
    if (!usable && !draft.held) draft.decision.reasons.push_back(draft.words.back());
  }
}

}  // namespace ottoscale::decision
