#include "pkg/decision/counterfactual.h"

#include <algorithm>
#include <utility>

#include "pkg/decision/draft.h"
#include "pkg/decision/value_scale.h"
#include "pkg/policy/quiet_range.h"

// Asked for with the notes of the header: [What nearest means], [Two kinds of values], [Later].

namespace ottoscale::decision {
namespace {

enum class Goal {
  kAnother,  // any other capacity than the one decided
  kAtLeast,  // this one or more
  kAtMost,   // this one or fewer
};

// The numbers that a strategy compares the value with.
void AddLandmarks(const policy::Threshold& threshold, std::vector<double>& out) {
  out.insert(out.end(), {threshold.lower, threshold.upper});
}
void AddLandmarks(const policy::TargetTracking& tracking, std::vector<double>& out) {
  const policy::QuietRange range = policy::QuietRangeOf(tracking);
  out.insert(out.end(), {tracking.target, *range.lower, *range.upper});
}
void AddLandmarks(const policy::StepTable& table, std::vector<double>& out) {
  for (const policy::Step& step : table.steps) {
    if (step.lower) out.push_back(*step.lower);
    if (step.upper) out.push_back(*step.upper);
  }
}
void AddLandmarks(const policy::LatencyGoal& goal, std::vector<double>& out) {
  out.insert(out.end(), {goal.goal_milliseconds, goal.goal_milliseconds / 2});
}

double DivisorOf(const policy::Metric& metric, const Sample& sample, const TargetState* target) {
  switch (metric.basis) {
    case policy::Basis::kValue: return 1;
    case policy::Basis::kPerInstance: return target == nullptr ? 1 : std::max(1, target->ready);
    case policy::Basis::kPerNode: return sample.nodes.value_or(1);
  }
  return 1;
}

// One metric's reading, tried with other values.
class Trial {
 public:
  Trial(const policy::ScalingPolicy& spec, const Situation& situation, const Decision& decided, size_t metric,
        Goal goal, int capacity)
      : spec_(spec), situation_(situation), decided_(decided), metric_(metric), goal_(goal), capacity_(capacity) {}

  // This one reading had been `value`.
  std::optional<NearestValue> AtOnce(double value) {
    Set(value);
    DecideInto(spec_, situation_.history, situation_.seen, situation_.now, scratch_);
    return Reaches(scratch_.to) ? std::optional(Found(value, scratch_, absl::ZeroDuration())) : std::nullopt;
  }

  // It is read from now on; `end`: when the present readings change the outcome by themselves.
  std::optional<NearestValue> Kept(double value, int passes, std::optional<async::BootTime> end) {
    Set(value);
    Replay replay(spec_, situation_);
    for (int pass = 0; pass < passes; ++pass, replay.Next()) {
      if (end && replay.now().boot >= *end) return std::nullopt;
      if (replay.decision().to == decided_.to) continue;
      if (!Reaches(replay.decision().to)) return std::nullopt;  // it would be written, and all would be otherwise
      return Found(value, replay.decision(), replay.now().boot - situation_.now.boot);
    }
    return std::nullopt;
  }

 private:
  void Set(double value) {
    Sample& sample = situation_.seen.samples[metric_];
    sample.state = SampleState::kValid;
    sample.value = value;
  }
  bool Reaches(int to) const {
    switch (goal_) {
      case Goal::kAnother: return to != decided_.to;
      case Goal::kAtLeast: return to >= capacity_;
      case Goal::kAtMost: return to <= capacity_;
    }
    return false;
  }
  NearestValue Found(double value, const Decision& decision, absl::Duration after) const {
    const std::optional<double>& compared = decision.metrics[metric_].value;
    return {.value = value,
            .compared = compared == value ? std::nullopt : compared,
            .after = after,
            .to = decision.to,
            .code = decision.code};
  }

  const policy::ScalingPolicy& spec_;
  Situation situation_;
  const Decision& decided_;
  size_t metric_;
  Goal goal_;
  int capacity_;
  Decision scratch_;
};

// The search over one situation: what all of its questions have in common.
class Search {
 public:
  Search(const policy::ScalingPolicy& spec, const Situation& situation, const SearchBounds& bounds)
      : spec_(spec), situation_(situation), bounds_(bounds) {
    DecideInto(spec_, situation_.history, situation_.seen, situation_.now, decided_);
    later_ = FindLater();
  }

  const Decision& decided() const { return decided_; }
  const std::optional<LaterChange>& later() const { return later_; }

  // Whether there is a reading of it that others are near to.
  bool HasReading(size_t metric) const {
    return metric < situation_.seen.samples.size() && decided_.metrics[metric].measured.has_value();
  }

  ValueScale ScaleOf(size_t metric) const {
    return ValueScale(situation_.seen.samples[metric].value, LandmarksOf(metric));
  }

  NearestValues Nearest(size_t metric, bool up, Goal goal, int capacity) const {
    const Sample& sample = situation_.seen.samples[metric];
    const ValueScale scale = ScaleOf(metric);
    const std::vector<double> landmarks = LandmarksOf(metric);
    const Ray ray = RayFrom(scale, sample.value, sample.state == SampleState::kValid, up);
    Trial trial(spec_, situation_, decided_, metric, goal, capacity);
    const auto value_at = [&](int64_t distance) { return scale.At(ray.StepsAt(distance)); };
    NearestValues found;
    const auto at_once =
        NearestOn(ray, scale, landmarks, [&trial](double value) { return trial.AtOnce(value).has_value(); });
    if (at_once) found.at_once = trial.AtOnce(value_at(*at_once));
    if (decided_.write) return found;
    const auto end = later_ ? std::optional(later_->at.boot) : std::nullopt;
    const auto keep = [&](double value) { return trial.Kept(value, bounds_.kept_passes, end); };
    Ray nearer = ray;
    if (at_once) nearer.reach = *at_once - 1;
    if (nearer.reach < 1) return found;
    const auto kept = NearestOn(nearer, scale, landmarks, [&](double value) { return keep(value).has_value(); });
    if (!kept) return found;
    std::optional<NearestValue> value = keep(value_at(*kept));
    const bool now = value->after == absl::ZeroDuration();  // nearer than the questions that were asked above
    (now ? found.at_once : found.kept) = std::move(value);
    return found;
  }

 private:
  // In the unit of the sample. With an aggregation they are only a hint.
  std::vector<double> LandmarksOf(size_t metric) const {
    const policy::Metric& of = spec_.metrics[metric];
    std::vector<double> landmarks;
    std::visit([&landmarks](const auto& strategy) { AddLandmarks(strategy, landmarks); }, of.strategy);
    const double divisor = DivisorOf(of, situation_.seen.samples[metric], situation_.seen.state());
    for (double& landmark : landmarks) landmark *= divisor;
    const MetricHistory* history = FindMetric(situation_.history, of.name);
    if (history == nullptr) return landmarks;
    if (history->last) landmarks.push_back(history->last->value / 5);  // a fall by more than 80 %
    if (history->drop) landmarks.push_back(history->drop->reference / 5);
    return landmarks;
  }

  std::optional<LaterChange> FindLater() const {
    if (decided_.write) return std::nullopt;
    Replay replay(spec_, situation_);
    for (int pass = 0; pass < bounds_.later_passes; ++pass) {
      replay.Next();
      const Decision& decision = replay.decision();
      if (decision.to != decided_.to) return LaterChange{replay.now(), decision.to, decision.code};
    }
    return std::nullopt;
  }

  const policy::ScalingPolicy& spec_;
  const Situation& situation_;
  const SearchBounds& bounds_;
  Decision decided_;
  std::optional<LaterChange> later_;
};

// The last stage that led away from `capacity`, seen from the present one.
std::optional<Reason> LedAway(const Decision& decision, int capacity) {
  const bool out = capacity > decision.from;
  for (size_t i = decision.reasons.size(); i-- > 0;) {
    const Reason& reason = decision.reasons[i];
    const bool had = capacity == decision.from ? reason.in == capacity
                     : out                     ? reason.in >= capacity
                                               : reason.in <= capacity;
    const bool has = capacity == decision.from ? reason.out == capacity
                     : out                     ? reason.out >= capacity
                                               : reason.out <= capacity;
    if (had && !has) return reason;
  }
  return std::nullopt;
}

// Every reading as high, or as low, as can be.
Decision Utmost(const policy::ScalingPolicy& spec, Situation situation, const Search& search, bool up) {
  for (size_t i = 0; i < situation.seen.samples.size() && i < spec.metrics.size(); ++i) {
    if (!search.HasReading(i)) continue;
    situation.seen.samples[i].state = SampleState::kValid;
    situation.seen.samples[i].value = up ? 1e15 : 0;
  }
  return Decide(spec, situation.history, situation.seen, situation.now);
}

}  // namespace

Counterfactual FindCounterfactual(const policy::ScalingPolicy& spec, const Situation& situation,
                                  const SearchBounds& bounds) {
  const Search search(spec, situation, bounds);
  Counterfactual out{.later = search.later()};
  for (size_t i = 0; i < spec.metrics.size(); ++i) {
    const MetricVerdict& verdict = search.decided().metrics[i];
    MetricCounterfactual& metric = out.metrics.emplace_back();
    metric.name = verdict.name;
    metric.unit = verdict.unit;
    if (!search.HasReading(i)) continue;
    metric.measured = verdict.measured;
    metric.step = search.ScaleOf(i).step();
    metric.above = search.Nearest(i, true, Goal::kAnother, 0);
    metric.below = search.Nearest(i, false, Goal::kAnother, 0);
  }
  return out;
}

WhyNot FindWhyNot(const policy::ScalingPolicy& spec, const Situation& situation, int capacity,
                  const SearchBounds& bounds) {
  const Search search(spec, situation, bounds);
  Decision decided = search.decided();
  WhyNot out{.capacity = capacity,
             .decided = decided.to == capacity,
             .limits = decided.limits,
             .asked = decided.recommended,
             .code = decided.code};
  if (out.decided) return out;
  PutIntoWords(spec, situation.seen, decided);
  out.blocked = LedAway(decided, capacity);
  const bool up = out.up = capacity > decided.to;
  for (size_t i = 0; i < spec.metrics.size(); ++i) {
    if (!search.HasReading(i)) continue;
    WhyNot::Way& way = out.ways.emplace_back();
    way.metric = decided.metrics[i].name;
    way.unit = decided.metrics[i].unit;
    for (const bool above : {true, false}) {
      const NearestValues found = search.Nearest(i, above, up ? Goal::kAtLeast : Goal::kAtMost, capacity);
      if (way.value || (!found.at_once && !found.kept)) continue;
      way.value = found.kept ? found.kept : found.at_once;
      way.above = above;
    }
  }
  if (search.later() && search.later()->to == capacity) out.later = search.later();
  const Decision utmost = Utmost(spec, situation, search, up);
  out.utmost_asked = utmost.recommended;
  out.utmost = utmost.to;
  out.utmost_code = utmost.code;
  if (utmost.to != capacity) out.utmost_blocked = LedAway(utmost, capacity);
  return out;
}

}  // namespace ottoscale::decision
