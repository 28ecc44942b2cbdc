#include "test/scenarios/scenario.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/codec/json.h"
#include "pkg/codec/yaml.h"
#include "pkg/decision/decide.h"
#include "pkg/decision/events.h"
#include "pkg/decision/status.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::scenarios {
namespace {

using decision::MissingReason;
using decision::Sample;
using decision::SampleState;

// The number behind `prefix`; nullopt when the text is something else.
std::optional<int> NumberAfter(absl::string_view text, absl::string_view prefix) {
  int number = 0;
  if (!absl::ConsumePrefix(&text, prefix) || !absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

absl::Status ReadSetting(absl::string_view line, Series& series) {
  std::string error;
  absl::string_view time = line;
  if (absl::ConsumePrefix(&time, "# start ")) {
    return absl::ParseTime(absl::RFC3339_full, time, &series.start, &error) ? absl::OkStatus()
                                                                            : absl::InvalidArgumentError(error);
  }
  if (const auto dynos = NumberAfter(line, "# dynos ")) series.dynos = *dynos;
  if (const auto boot = NumberAfter(line, "# boot ")) series.boot = absl::Seconds(*boot);
  return absl::OkStatus();
}

// What HTTPHeartbeat is told.
struct Heartbeat {
  int64_t timeout = 10000;
  bool timeout_breaches = true;
  bool server_error_breaches = false;
};

Heartbeat HeartbeatOf(const policy::ProviderConfig& config) {
  const auto json = codec::ReadJson(config.json);
  if (!json.ok()) return {};
  return {.timeout = codec::FindInt64(*json, {"timeoutMilliseconds"}).value_or(10000),
          .timeout_breaches = codec::StringOr(*json, {"onTimeout"}, "Breach") == "Breach",
          .server_error_breaches = codec::StringOr(*json, {"onServerError"}, "Hold") == "Breach"};
}

Sample Missing(MissingReason reason, std::string message) {
  return {.state = SampleState::kMissing, .missing = reason, .message = std::move(message), .unit = "ms"};
}

Sample Measure(absl::string_view what, const Heartbeat& heartbeat, async::Instant now) {
  const Sample censored{.state = SampleState::kCensored,
                        .value = static_cast<double>(heartbeat.timeout),
                        .measured_at = now,
                        .unit = "ms"};
  double milliseconds = 0;
  absl::string_view number = what;
  if (absl::ConsumeSuffix(&number, "ms") && absl::SimpleAtod(number, &milliseconds) &&
      milliseconds <= static_cast<double>(heartbeat.timeout)) {
    return {.state = SampleState::kValid, .value = milliseconds, .measured_at = now, .unit = "ms"};
  }
  if (what == "refused") return Missing(MissingReason::kProbeFailed, "connection refused");
  if (what == "none") return Missing(MissingReason::kNotRead, "");
  if (const auto status = NumberAfter(what, "status ")) {
    if (*status < 500) return Missing(MissingReason::kUnexpectedAnswer, absl::StrCat("answered ", *status));
    return heartbeat.server_error_breaches ? censored
                                           : Missing(MissingReason::kServerError, absl::StrCat("answered ", *status));
  }
  return heartbeat.timeout_breaches ? censored : Missing(MissingReason::kTimeout, "no answer in time");
}

enum class Cloud { kAccepts, kRefuses, kLimits, kLoses };

class Stage {
 public:
  Stage(const policy::ScalingPolicy& spec, const Series& series)
      : spec_(spec),
        series_(series),
        heartbeat_(HeartbeatOf(spec.metrics.at(0).source)),
        now_{series.start, {absl::Hours(1)}},
        desired_(series.dynos),
        ready_(series.dynos) {}

  std::string Run() {
    while (true) {
      while (next_row_ < series_.rows.size() && series_.start + series_.rows[next_row_].at <= now_.wall) {
        const Row& row = series_.rows[next_row_++];
        if (row.event == "end") return absl::StrCat(absl::StrJoin(lines_, "\n"), "\n");
        if (!row.heartbeat.empty()) measured_ = row.heartbeat;
        Happen(row.event);
      }
      const decision::Outcome outcome = Pass();
      now_ = now_ + Wait(outcome);
    }
  }

 private:
  void Note(absl::string_view line) {
    lines_.push_back(absl::StrFormat("%6d s  %s", absl::ToInt64Seconds(now_.wall - series_.start), line));
  }

  void Happen(const std::string& event) {
    if (event.empty()) return;
    Note(absl::StrCat("          -- ", event));
    if (const auto dynos = NumberAfter(event, "scale ")) desired_ = ready_ = *dynos;
    if (absl::StartsWith(event, "maintenance ")) off_ = event == "maintenance on";
    if (event == "accept") cloud_ = Cloud::kAccepts;
    if (event == "refuse") cloud_ = Cloud::kRefuses;
    if (event == "lose") cloud_ = Cloud::kLoses;
    if (const auto limit = NumberAfter(event, "limit ")) {
      cloud_ = Cloud::kLimits;
      limit_ = *limit;
    }
    if (event == "restart") {
      history_ = decision::RestoreHistory(status_, now_);
      before_.reset();
      said_.clear();
    }
  }

  decision::Observation Observe() {
    if (now_.boot >= ready_at_) ready_ = desired_;
    return {.target = decision::TargetState{.uid = "app-1/web",
                                            .display = "heroku/shop/web",
                                            .unit = "dynos",
                                            .desired = desired_,
                                            .ready = ready_,
                                            .off = off_,
                                            .off_reason = "maintenance",
                                            .read_at = now_},
            .samples = {Measure(measured_, heartbeat_, now_)}};
  }

  void Order(int capacity) {
    ready_ = std::min(ready_, capacity);
    desired_ = capacity;
    ready_at_ = now_.boot + series_.boot;
  }

  decision::WriteResult Write(const decision::Decision& decision) {
    if (!decision.write) return decision::NotWritten{};
    using Kind = decision::Refused::Kind;
    switch (cloud_) {
      case Cloud::kRefuses: return decision::Refused{.kind = Kind::kInvalid, .message = "no"};
      case Cloud::kLoses: Order(decision.to); return decision::Unknown{"the connection was lost"};
      case Cloud::kLimits:
        if (decision.to > limit_) {
          return decision::Refused{.kind = Kind::kLimit, .message = "over the limit", .ceiling = limit_};
        }
        break;
      case Cloud::kAccepts: break;
    }
    Order(decision.to);
    return decision::Applied{decision.to};
  }

  decision::Outcome Pass() {
    decision::Outcome outcome{.observation = Observe(), .now = now_};
    outcome.decision = decision::Decide(spec_, history_, outcome.observation, now_);
    outcome.write = Write(outcome.decision);
    history_ = decision::Remember(spec_, std::move(history_), outcome);
    status_ = decision::StatusFor(spec_, 1, history_, outcome, &status_);
    Tell(outcome);
    before_ = outcome;
    return outcome;
  }

  void Tell(const decision::Outcome& outcome) {
    const decision::Decision& decision = outcome.decision;
    const std::string saying = absl::StrCat(decision::CodeName(decision.code), " ", decision.from, " ", decision.to);
    if (decision.action != decision::Action::kHold || saying != said_) {
      Note(absl::StrCat(decision.from,
                        decision.action == decision::Action::kHold ? "  " : absl::StrCat("->", decision.to), "  ",
                        decision::CodeName(decision.code), ": ", decision.message));
    }
    said_ = saying;
    for (const decision::Event& event : decision::EventsFor(before_ ? &*before_ : nullptr, history_, outcome)) {
      Note(absl::StrCat("          ", event.warning ? "!" : "+", " ", event.reason));
    }
  }

  // As the reconciler waits, without its jitter.
  absl::Duration Wait(const decision::Outcome& outcome) const {
    absl::Duration wait = spec_.poll_period;
    if (outcome.decision.next) wait = std::min(wait, *outcome.decision.next - now_.boot);
    if (const auto change = policy::NextChangeAfter(spec_.schedule, now_.wall))
      wait = std::min(wait, *change - now_.wall);
    return wait;
  }

  const policy::ScalingPolicy& spec_;
  const Series& series_;
  const Heartbeat heartbeat_;
  async::Instant now_;
  int desired_;
  int ready_;
  bool off_ = false;
  async::BootTime ready_at_;
  Cloud cloud_ = Cloud::kAccepts;
  int limit_ = 0;
  size_t next_row_ = 0;
  std::string measured_ = "none";
  decision::History history_;
  decision::PolicyStatus status_;
  std::optional<decision::Outcome> before_;
  std::string said_;
  std::vector<std::string> lines_;
};

}  // namespace

absl::StatusOr<Series> ParseSeries(absl::string_view text) {
  Series series;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    if (absl::StartsWith(line, "#")) {
      if (absl::Status read = ReadSetting(line, series); !read.ok()) return read;
      continue;
    }
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    if (cells.size() != 3) return absl::InvalidArgumentError(absl::StrCat("three cells are needed: ", line));
    int at = 0;
    if (cells[0] == "at") continue;
    if (!absl::SimpleAtoi(cells[0], &at)) return absl::InvalidArgumentError(absl::StrCat("no number: ", line));
    series.rows.push_back({.at = absl::Seconds(at), .heartbeat = cells[1], .event = cells[2]});
  }
  if (series.rows.empty() || series.rows.back().event != "end") {
    return absl::InvalidArgumentError("the last row must be `SECONDS,,end`");
  }
  return series;
}

absl::StatusOr<policy::ScalingPolicy> ParsePolicy(absl::string_view text) {
  const codec::Documents documents = codec::ParseYaml(text);
  for (const codec::Problem& problem : documents.problems) {
    return absl::InvalidArgumentError(codec::FormatProblem("policy.yaml", problem));
  }
  for (const codec::Document& document : documents.documents) {
    if (codec::StringOr(document.value, {"kind"}, "") != "ScalingPolicy") continue;
    auto decoded = manifest::DecodeScalingPolicy(document.value, &document.positions);
    if (decoded.ok()) return *std::move(decoded.value);
    return absl::InvalidArgumentError(codec::FormatProblem("policy.yaml", decoded.problems.at(0)));
  }
  return absl::InvalidArgumentError("there is no ScalingPolicy");
}

std::string Play(const policy::ScalingPolicy& spec, const Series& series) { return Stage(spec, series).Run(); }

}  // namespace ottoscale::scenarios
