#include "pkg/backtest/backtest.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/simulation/load_steps.h"

namespace ottoscale::backtest {
namespace {

// Any start but 0 will do; far enough from it that nothing looks like "never".
constexpr async::BootTime kStart{absl::Hours(1000)};

constexpr absl::string_view kHeartbeat = "HTTPHeartbeat";

MetricInput HeartbeatInput(const policy::ProviderConfig& source) {
  MetricInput input{.reads = Reads::kResponseTime, .unit = "ms", .timeout = absl::Seconds(10)};
  const auto config = codec::ReadJson(source.json);
  if (!config.ok()) return input;
  if (const auto timeout = codec::FindInt64(*config, {"timeoutMilliseconds"})) {
    input.timeout = absl::Milliseconds(*timeout);
  }
  input.timeout_breaches = codec::StringOr(*config, {"onTimeout"}, "Breach") == "Breach";
  return input;
}

// Steps that have no sample, in the order of time; asked with ascending steps.
class Gaps {
 public:
  Gaps(const Series& series, absl::Duration step) {
    for (const Gap& gap : series.gaps) {
      steps_.push_back({StepAt(gap.from - series.start(), step), StepAt(gap.to - series.start(), step)});
    }
  }
  bool Has(int64_t step) {
    while (next_ < steps_.size() && step >= steps_[next_].to) ++next_;
    return next_ < steps_.size() && step >= steps_[next_].from;
  }

 private:
  struct Range {
    int64_t from;
    int64_t to;
  };
  static int64_t StepAt(absl::Duration at, absl::Duration step) {
    absl::Duration rest;
    const int64_t whole = absl::IDivDuration(at, step, &rest);
    return whole + (rest > absl::ZeroDuration() ? 1 : 0);
  }
  std::vector<Range> steps_;
  size_t next_ = 0;
};

class Runner {
 public:
  Runner(const Setup& setup, const std::function<void(const Pass&)>& on_pass)
      : setup_(setup),
        on_pass_(on_pass),
        policy_(setup.policy),
        plant_(setup.plant),
        step_(setup.plant.step),
        step_nanoseconds_(absl::ToInt64Nanoseconds(setup.plant.step)),
        delay_steps_(static_cast<int64_t>(std::ceil(absl::FDivDuration(setup.plant.metering_delay, step_)))),
        delay_(absl::Nanoseconds(step_nanoseconds_ * delay_steps_)),
        poll_steps_(StepsUp(setup.policy.poll_period)),
        load_gaps_(setup.series, step_),
        response_gaps_(setup.series, step_) {
    policy_.mode = policy::Mode::kEnforce;
    policy_.suspend.reset();
    outcome_.observation.target =
        decision::TargetState{.uid = "simulated", .display = "simulated", .unit = UnitOf(setup.policy)};
    for (const MetricInput& input : setup.inputs) outcome_.observation.samples.push_back({.unit = input.unit});
  }

  Result Run() {
    simulation::LoadSteps loads(PointsOf(setup_.series), step_);
    simulation::FigureMeter meter(setup_.plant);
    int64_t due = 0;
    for (int64_t step = 0; step < loads.Count(); ++step) {
      plant_.Step(loads.Next());
      if (step == due) due = MakePass(step);
      meter.Observe(plant_);
    }
    result_.figures = meter.Result();
    for (size_t code = 0; code < codes_.size(); ++code) {
      if (codes_[code] > 0) result_.reasons[decision::CodeName(static_cast<decision::Code>(code))] = codes_[code];
    }
    return std::move(result_);
  }

 private:
  int64_t MakePass(int64_t step) {
    const absl::Duration elapsed = absl::Nanoseconds(step_nanoseconds_ * step);  // a tenth of a Duration's product
    outcome_.now = {.wall = setup_.series.start() + elapsed, .boot = kStart + elapsed};
    Observe(step);
    decision::DecideInto(policy_, history_, outcome_.observation, outcome_.now, outcome_.decision);
    Write();
    Count(outcome_.decision);
    if (on_pass_) on_pass_({step, outcome_.now, plant_, policy_, outcome_.observation, outcome_.decision});
    decision::RememberInto(policy_, outcome_, history_);
    return NextPass(step);
  }

  void Observe(int64_t step) {
    auto& target = std::get<decision::TargetState>(outcome_.observation.target);
    target.desired = plant_.Ordered();
    target.ready = plant_.Ready();
    target.read_at = outcome_.now;
    for (size_t i = 0; i < setup_.inputs.size(); ++i) {
      decision::Sample& sample = outcome_.observation.samples[i];
      const bool read = setup_.inputs[i].reads == Reads::kLoad ? ReadLoad(step, sample)
                                                               : ReadResponse(step, setup_.inputs[i], sample);
      if (read) continue;
      sample.state = decision::SampleState::kMissing;
      sample.missing = decision::MissingReason::kNotRead;
    }
  }

  bool ReadLoad(int64_t step, decision::Sample& sample) {
    const std::optional<double> load = plant_.Metric();
    if (!load || load_gaps_.Has(step - delay_steps_)) return false;
    sample.state = decision::SampleState::kValid;
    sample.value = *load;
    sample.missing = decision::MissingReason::kNone;
    sample.measured_at = outcome_.now + -delay_;
    sample.nodes = plant_.Ready();
    return true;
  }

  bool ReadResponse(int64_t step, const MetricInput& input, decision::Sample& sample) {
    if (plant_.Ready() == 0 || response_gaps_.Has(step)) return false;
    const absl::Duration response = plant_.ResponseTime();
    const bool timed_out = response > input.timeout;
    if (timed_out && !input.timeout_breaches) return false;
    sample.state = timed_out ? decision::SampleState::kCensored : decision::SampleState::kValid;
    sample.value = absl::ToDoubleMilliseconds(std::min(response, input.timeout));
    sample.missing = decision::MissingReason::kNone;
    sample.measured_at = outcome_.now;
    return true;
  }

  void Write() {
    outcome_.write = decision::NotWritten{};
    if (!outcome_.decision.write) return;
    plant_.Order(outcome_.decision.to);
    outcome_.write = decision::Applied{plant_.Ordered()};
  }

  void Count(const decision::Decision& decision) {
    ++result_.passes;
    if (decision.write) ++(decision.to > decision.from ? result_.scale_outs : result_.scale_ins);
    const auto code = static_cast<size_t>(decision.code);
    if (code >= codes_.size()) codes_.resize(code + 1);
    ++codes_[code];
  }

  // The first step that begins no sooner than the operator's next pass would.
  int64_t NextPass(int64_t step) {
    absl::Duration wait = policy_.poll_period;
    if (outcome_.decision.next) wait = std::min(wait, *outcome_.decision.next - outcome_.now.boot);
    if (!policy_.schedule.windows.empty()) {
      if (outcome_.now.wall >= schedule_change_) {
        schedule_change_ =
            policy::NextChangeAfter(policy_.schedule, outcome_.now.wall).value_or(absl::InfiniteFuture());
      }
      wait = std::min(wait, schedule_change_ - outcome_.now.wall);
    }
    return step + (wait == policy_.poll_period ? poll_steps_ : StepsUp(wait));
  }

  int64_t StepsUp(absl::Duration wait) const {
    absl::Duration rest;
    const int64_t steps = absl::IDivDuration(wait, step_, &rest);
    return std::max<int64_t>(1, steps + (rest > absl::ZeroDuration() ? 1 : 0));
  }

  const Setup& setup_;
  const std::function<void(const Pass&)>& on_pass_;
  policy::ScalingPolicy policy_;
  simulation::Plant plant_;
  absl::Duration step_;
  int64_t step_nanoseconds_;
  int64_t delay_steps_;
  absl::Duration delay_;
  int64_t poll_steps_;
  Gaps load_gaps_;
  Gaps response_gaps_;
  decision::History history_;
  decision::Outcome outcome_;
  absl::Time schedule_change_ = absl::InfinitePast();  // the next after the last pass
  std::vector<int64_t> codes_;
  Result result_;
};

}  // namespace

std::string UnitOf(const policy::ScalingPolicy& policy) {
  if (policy.target.type == "HerokuFormation") return "dynos";
  return policy.target.type == "OtterGroup" ? "servers" : "instances";
}

absl::StatusOr<std::vector<MetricInput>> InputsOf(const policy::ScalingPolicy& policy, absl::string_view load_metric,
                                                  absl::string_view load_unit) {
  std::vector<MetricInput> inputs;
  std::vector<std::string> names;
  for (const policy::Metric& metric : policy.metrics) {
    names.push_back(absl::StrCat("'", metric.name, "'"));
    const bool heartbeat = metric.source.type == kHeartbeat && metric.name != load_metric;
    inputs.push_back(heartbeat ? HeartbeatInput(metric.source)
                               : MetricInput{.reads = Reads::kLoad, .unit = std::string(load_unit)});
  }
  const bool named = std::any_of(policy.metrics.begin(), policy.metrics.end(),
                                 [&](const policy::Metric& metric) { return metric.name == load_metric; });
  if (!load_metric.empty() && !named) {
    return absl::NotFoundError(
        absl::StrCat("the policy has no metric '", load_metric, "': it has ", JoinWords(names, "and")));
  }
  return inputs;
}

std::vector<simulation::LoadPoint> PointsOf(const Series& series) {
  std::vector<simulation::LoadPoint> points;
  points.reserve(series.rows.size());
  for (const SeriesRow& row : series.rows) points.push_back({.at = row.at - series.start(), .rate = row.value});
  return points;
}

int64_t StepsOf(const Series& series, const simulation::PlantParameters& plant) {
  return simulation::LoadSteps({{.at = absl::ZeroDuration(), .rate = 0}, {.at = series.span(), .rate = 0}}, plant.step)
      .Count();
}

std::string Pass::Sentence() const {
  decision::Decision worded = decision;
  decision::PutIntoWords(policy, observation, worded);
  return std::move(worded.message);
}

Result Run(const Setup& setup, const std::function<void(const Pass&)>& on_pass) { return Runner(setup, on_pass).Run(); }

}  // namespace ottoscale::backtest
