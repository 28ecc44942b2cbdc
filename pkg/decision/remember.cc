// Settle and Remember: the only writers of History.
#include <algorithm>
#include <climits>
#include <utility>

#include "pkg/decision/decide.h"
#include "pkg/decision/draft.h"
#include "pkg/decision/strategy.h"

// Note [Whose change]
// The desired capacity may differ from what we last knew for three reasons: a write of ours whose end was unknown or
// that a restart has cut off (it stands in `pending`), somebody else, or another target behind the same policy. The
// first read after it tells: where the target stands at the intent's `to`, the change was ours. Whoever made it, the
// runs of breaches are cleared: they were measured at another capacity.

namespace ottoscale::decision {
namespace {

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

void ClearRuns(History& history) {
  for (MetricHistory& metric : history.metrics) metric.run = 0;
}

// `out`: the direction that was asked for, which is also the one that the gate's ledger counts.
void CountChange(History& history, const Change& change, bool out) {
  (out ? history.last_scale_out : history.last_scale_in) = change.at;
  if (change.from != change.to) history.changes.push_back(change);
  history.last_applied = change;
  history.known_desired = change.to;
  history.in_flight_since = change.at.boot;
  history.state_lost = false;
  ClearRuns(history);
}

void ForgetCeilingBelow(History& history, int capacity) {
  if (!history.ceiling || capacity <= *history.ceiling) return;
  history.ceiling.reset();
  history.ceiling_since.reset();
}

// See Note [Whose change].
void SettlePending(History& history, int desired, async::Instant now) {
  if (!history.pending) return;
  const PendingChange pending = *std::exchange(history.pending, std::nullopt);
  // After a restart only the wall time is known; a clock that went back since counts as no time at all.
  const absl::Duration ago = std::max(now.wall - pending.time, absl::ZeroDuration());
  const async::Instant at = history.write_unknown ? history.unknown_at : async::Instant{now.wall - ago, now.boot - ago};
  history.write_unknown = false;
  if (desired != pending.to || pending.to == pending.from) return;
  const Change change{.at = at, .from = pending.from, .to = pending.to};
  CountChange(history, change, pending.to > pending.from);
  history.read_back = ReadBack{change, now};
}

void NoticeOthers(History& history, int desired, async::Instant now) {
  if (history.known_desired && *history.known_desired != desired) {
    history.last_external = Change{.at = now, .from = *history.known_desired, .to = desired};
    history.in_flight_since.reset();  // another order: its time starts now
    ClearRuns(history);
  }
  history.known_desired = desired;
}

// What we ordered serves, as far as `deadline` lets it count: how long has it taken?
void LearnBootTime(History& history, absl::Duration deadline, async::Instant now) {
  const std::optional<async::BootTime>& since = history.in_flight_since;
  const bool ordered = since && history.last_scale_out && history.last_scale_out->boot == *since;
  if (!ordered || now.boot - *since > deadline) return;
  history.boot_time = BootTimeAfter(history.boot_time, now.boot - *since);
}

void TrackFlight(History& history, const TargetState& target, absl::Duration deadline, async::Instant now) {
  if (!target.InFlight()) {
    LearnBootTime(history, deadline, now);
    history.in_flight_since.reset();
  } else if (!history.in_flight_since) {
    history.in_flight_since = now.boot;
  }
}

// The metric with this reading in it.
void RememberSample(MetricHistory& history, const policy::ScalingPolicy& spec, const policy::Metric& metric,
                    const Sample& sample) {
  const std::optional<Drop> drop = DropWith(metric, &history, sample);
  const bool is_new = IsNew(sample, &history);
  history.drop = drop && !IsConfirmed(*drop, sample) ? drop : std::nullopt;
  if (!is_new) return;
  const bool censored = sample.state == SampleState::kCensored;
  if (!censored) history.lowest = std::min(history.lowest.value_or(sample.value), sample.value);
  if (censored) {
    history.marks = {};
  } else if (!history.drop && std::holds_alternative<policy::TargetTracking>(metric.strategy)) {
    AddMark(history.marks, sample.value, sample.measured_at.boot, MaxAge(spec, metric));
  }
  AddSample(history.window, metric.aggregation, sample.value, censored, sample.measured_at.boot, MaxAge(spec, metric));
  history.last = sample;
}

// What was compared teaches, not the sample alone. Without a target nobody knows who has served it.
void RememberGoal(MetricHistory& history, const policy::Metric& metric, const MetricVerdict& verdict,
                  const Outcome& outcome) {
  const auto* goal = std::get_if<policy::LatencyGoal>(&metric.strategy);
  const TargetState* target = outcome.observation.state();
  if (goal == nullptr || target == nullptr || !verdict.value) return;
  LearnFrom(*goal, *verdict.value, verdict.censored, target->ready, outcome.now.boot, history);
}

// One history per verdict, in their order: those that were there, and new ones.
void MatchMetrics(History& history, const std::vector<MetricVerdict>& verdicts) {
  const bool matches =
      std::equal(history.metrics.begin(), history.metrics.end(), verdicts.begin(), verdicts.end(),
                 [](const MetricHistory& metric, const MetricVerdict& verdict) { return metric.name == verdict.name; });
  if (matches) return;
  std::vector<MetricHistory> metrics;
  metrics.reserve(verdicts.size());
  for (const MetricVerdict& verdict : verdicts) {
    const auto old = std::find_if(history.metrics.begin(), history.metrics.end(),
                                  [&](const MetricHistory& metric) { return metric.name == verdict.name; });
    metrics.push_back(old != history.metrics.end() ? std::move(*old) : MetricHistory{.name = verdict.name});
  }
  history.metrics = std::move(metrics);
}

void RememberSamples(History& history, const policy::ScalingPolicy& spec, const Outcome& outcome) {
  const std::vector<MetricVerdict>& verdicts = outcome.decision.metrics;
  if (verdicts.size() != spec.metrics.size()) return;
  MatchMetrics(history, verdicts);
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const MetricVerdict& verdict = verdicts[i];
    MetricHistory& metric = history.metrics[i];
    metric.run = verdict.breaches;
    metric.above = verdict.above;
    if (verdict.measured) RememberSample(metric, spec, spec.metrics[i], outcome.observation.samples[i]);
    RememberGoal(metric, spec.metrics[i], verdict, outcome);
  }
}

// Note [Bounded lists]
// A window of an hour polled each five seconds has 720 passes, and what is remembered of them has to stay small. Where
// a list gets longer than kMaxEntries, two neighbours become one, at the time of the later: so what they hold is held
// for no shorter, and for longer only by the time between them. Those are taken that leave the shortest gap before
// them, so that no gap gets much longer than the others.

// Makes one of two neighbours.
void MergeClosest(std::vector<Recommendation>& all) {
  size_t closest = 2;
  for (size_t i = 3; i < all.size(); ++i) {
    if (all[i].at - all[i - 2].at < all[closest].at - all[closest - 2].at) closest = i;
  }
  const Recommendation& earlier = all[closest - 1];
  all[closest].least = std::max(all[closest].least, earlier.least);
  all[closest].capacity = std::min(all[closest].capacity, earlier.capacity);
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(closest) - 1);
}

int MoveOf(const Change& change) { return change.to - change.from; }

// The next change in the same direction; all.size(): none.
size_t NextAlike(const std::vector<Change>& all, size_t i) {
  size_t next = i + 1;
  while (next < all.size() && (MoveOf(all[next]) > 0) != (MoveOf(all[i]) > 0)) ++next;
  return next;
}

// The same of two changes in one direction, which there are among three. Only how far each went is ever asked.
void MergeClosest(std::vector<Change>& all) {
  size_t first = 0;
  size_t second = all.size();
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    const size_t next = NextAlike(all, i);
    if (next == all.size()) continue;
    if (second < all.size() && all[next].at.boot - all[i].at.boot >= all[second].at.boot - all[first].at.boot) continue;
    first = i;
    second = next;
  }
  all[second].from -= MoveOf(all[first]);
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(first));
}

// Keeps, of the recommendations, those that can still be the highest or the lowest of some window that ends now or
// later: one that stands between a newer higher and a newer lower one never is. The newest is always kept.
void PruneRecommendations(History& history, absl::Duration longest, async::BootTime now) {
  std::vector<Recommendation>& all = history.recommendations;
  size_t first_kept = all.size();
  int highest = INT_MIN;
  int lowest = INT_MAX;
  for (size_t i = all.size(); i-- > 0;) {
    const Recommendation old = all[i];
    if (now - old.at > longest) break;
    if (old.least > highest || old.capacity < lowest) all[--first_kept] = old;
    highest = std::max(highest, old.least);
    lowest = std::min(lowest, old.capacity);
  }
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first_kept));
  while (all.size() > History::kMaxEntries) MergeClosest(all);  // see Note [Bounded lists]
}

void RememberRecommendation(History& history, const policy::ScalingPolicy& spec, const Outcome& outcome) {
  const async::BootTime now = outcome.now.boot;
  const std::vector<MetricVerdict>& verdicts = outcome.decision.metrics;
  const bool any = std::any_of(verdicts.begin(), verdicts.end(),
                               [](const MetricVerdict& verdict) { return verdict.recommended.has_value(); });
  history.last_pass = outcome.now;
  if (!history.watching_since) history.watching_since = now;
  if (any) {
    history.valid_at = now;
    history.observing_since = ObservingSince(spec, history, now).value_or(now);
    history.recommendations.push_back(
        {.at = now, .capacity = outcome.decision.recommended, .least = outcome.decision.least});
  }
  PruneRecommendations(history, ObservationGap(spec), now);
}

void RememberRefusal(History& history, const Refused& refused, const Outcome& outcome) {
  const Decision& decision = outcome.decision;
  if (refused.kind != Refused::Kind::kLimit || decision.to <= decision.from) return;
  // A limit that says less than it refuses (it may be shared with others) is taken at what it does.
  history.ceiling = std::min(refused.ceiling.value_or(decision.from), decision.to - 1);
  history.ceiling_since = outcome.now.boot;
}

void RememberUnknown(History& history, const Outcome& outcome) {
  const Decision& decision = outcome.decision;
  history.write_unknown = true;
  history.unknown_at = outcome.now;
  history.pending =
      PendingChange{.from = decision.from, .to = decision.to, .cause = decision.cause, .time = outcome.now.wall};
}

void RememberApplied(History& history, const Applied& applied, const Outcome& outcome) {
  const Decision& decision = outcome.decision;
  CountChange(history, {.at = outcome.now, .from = decision.from, .to = applied.capacity}, decision.to > decision.from);
  ForgetCeilingBelow(history, applied.capacity);
}

void RememberWrite(History& history, const Outcome& outcome) {
  std::visit(Overloaded{
                 [&](const Applied& applied) { RememberApplied(history, applied, outcome); },
                 [&](const Refused& refused) { RememberRefusal(history, refused, outcome); },
                 [&](const Unknown&) { RememberUnknown(history, outcome); },
                 [](const NotWritten&) {},
                 [](const Superseded&) {},  // nothing has happened: the same is decided again
                 [](const Violation&) {},
             },
             outcome.write);
}

void PruneChanges(History& history, const policy::Behavior& behavior, async::BootTime now) {
  absl::Duration longest;
  for (const policy::DirectionBehavior* direction : {&behavior.scale_out, &behavior.scale_in}) {
    for (const policy::RatePolicy& rate : direction->policies) longest = std::max(longest, rate.period);
  }
  std::erase_if(history.changes, [&](const Change& change) { return now - change.at.boot >= longest; });
  while (history.changes.size() > History::kMaxEntries) MergeClosest(history.changes);
}

// A whole cooldown and window have been watched since: the loss can hold nothing any more.
void ForgetLoss(History& history, const policy::Behavior& behavior, async::BootTime now) {
  const absl::Duration longest =
      std::max({behavior.scale_out.cooldown, behavior.scale_in.cooldown, behavior.scale_in.stabilization_window});
  if (history.observing_since && now - *history.observing_since >= longest) history.state_lost = false;
}

void SettleInto(const policy::ScalingPolicy& spec, const Observation& seen, async::Instant now, History& history) {
  if (IsSettled(history, seen, now)) return;
  const TargetState* target = seen.state();
  if (!history.target_uid.empty() && history.target_uid != target->uid) history = History{};
  history.target_uid = target->uid;
  SettlePending(history, target->desired, now);
  NoticeOthers(history, target->desired, now);
  TrackFlight(history, *target, spec.behavior.progress_deadline, now);
  ForgetCeilingBelow(history, target->desired);
}

}  // namespace

History Settle(const policy::ScalingPolicy& spec, History history, const Observation& seen, async::Instant now) {
  SettleInto(spec, seen, now, history);
  return history;
}

bool IsSettled(const History& history, const Observation& seen, async::Instant now) {
  const TargetState* target = seen.state();
  if (target == nullptr) return true;
  // A reading of the very pass that made the write cannot know how it ended.
  if (history.write_unknown && now.boot <= history.unknown_at.boot) return true;
  return history.target_uid == target->uid && !history.pending && history.known_desired == target->desired &&
         history.in_flight_since.has_value() == target->InFlight() &&
         (!history.ceiling || target->desired <= *history.ceiling);
}

void RememberInto(const policy::ScalingPolicy& spec, const Outcome& outcome, History& history) {
  SettleInto(spec, outcome.observation, outcome.now, history);
  RememberSamples(history, spec, outcome);
  RememberRecommendation(history, spec, outcome);
  RememberWrite(history, outcome);
  PruneChanges(history, spec.behavior, outcome.now.boot);
  if (history.state_lost) ForgetLoss(history, spec.behavior, outcome.now.boot);
}

History Remember(const policy::ScalingPolicy& spec, History history, const Outcome& outcome) {
  RememberInto(spec, outcome, history);
  return history;
}

}  // namespace ottoscale::decision
