// For the tests of this folder: a policy, a target that obeys at once, and a clock that only Pass moves.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pkg/decision/decide.h"

namespace ottoscale::decision {

// Monday 2026-03-02, 12:00 UTC.
inline absl::Time Noon() { return absl::FromCivil(absl::CivilSecond(2026, 3, 2, 12, 0, 0), absl::UTCTimeZone()); }

inline Sample Valid(double value, async::Instant at, std::string unit = "ms") {
  return {.state = SampleState::kValid, .value = value, .measured_at = at, .unit = std::move(unit)};
}
inline Sample Censored(double value, async::Instant at) {
  return {.state = SampleState::kCensored, .value = value, .measured_at = at, .unit = "ms"};
}
inline Sample Missing(MissingReason reason, std::string message = "") {
  return {.state = SampleState::kMissing, .missing = reason, .message = std::move(message), .unit = "ms"};
}

inline policy::Metric HeartbeatMetric(std::string name = "heartbeat") {
  return {.name = std::move(name),
          .source = {.type = "HTTPHeartbeat"},
          .strategy = policy::Threshold{.lower = 200, .upper = 1000}};
}

// Heartbeat 200..1000 ms, three breaches out, five in, 1..5 dynos, a poll each 30 s; nothing else slows it.
inline policy::ScalingPolicy PlainPolicy() {
  policy::ScalingPolicy spec{.target = {.type = "HerokuFormation"}, .min_capacity = 1, .max_capacity = 5};
  spec.metrics = {HeartbeatMetric()};
  spec.metrics[0].sudden_drop = policy::Metric::SuddenDrop::kAccept;
  spec.behavior = {.scale_out = {}, .scale_in = {}, .settle = absl::ZeroDuration()};
  return spec;
}

struct SmallWorld {
  policy::ScalingPolicy spec = PlainPolicy();
  History history;
  TargetState target{.uid = "app-1/web", .display = "heroku/shop/web", .unit = "dynos", .desired = 2, .ready = 2};
  async::Instant now{Noon(), {absl::Hours(1)}};
  // What the next writes answer instead of Applied.
  std::optional<WriteResult> answer;
  std::optional<TargetFailure> failure;

  policy::Threshold& threshold() { return std::get<policy::Threshold>(spec.metrics[0].strategy); }

  Observation Seen(std::vector<Sample> samples) const {
    Observation seen{.target = target, .samples = std::move(samples)};
    if (failure) seen.target = *failure;
    return seen;
  }

  WriteResult Write(const Decision& decision) {
    if (!decision.write) return NotWritten{};
    if (answer) return *answer;
    target.desired = target.ready = decision.to;
    return Applied{decision.to};
  }

  // One pass, and the clock goes on by a poll.
  Outcome Pass(std::vector<Sample> samples) {
    target.read_at = now;
    Outcome outcome{.observation = Seen(std::move(samples)), .now = now};
    outcome.decision = Decide(spec, history, outcome.observation, now);
    outcome.write = Write(outcome.decision);
    history = Remember(spec, history, outcome);
    now = now + spec.poll_period;
    return outcome;
  }
  Outcome Beat(double milliseconds) { return Pass({Valid(milliseconds, now)}); }
  Outcome NoBeat() { return Pass({Missing(MissingReason::kProbeFailed, "connection refused")}); }
  Outcome Beats(int count, double milliseconds) {
    for (int i = 1; i < count; ++i) Beat(milliseconds);
    return Beat(milliseconds);
  }
};

}  // namespace ottoscale::decision
