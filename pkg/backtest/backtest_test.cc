#include "pkg/backtest/backtest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ottoscale::backtest {
namespace {

// A plant of steps of 10 s whose instances serve 10 each and boot in 60 s.
simulation::PlantParameters SmallPlant() {
  return {.capacity = 10,
          .boot = simulation::FixedBoot{absl::Seconds(60)},
          .metering_window = absl::Seconds(10),
          .metering_delay = absl::ZeroDuration(),
          .min = 1,
          .max = 10,
          .initial = 1,
          .step = absl::Seconds(10)};
}

// One more after two loads above 10, one less after two below 5; nothing that brakes.
policy::ScalingPolicy SmallPolicy() {
  policy::ScalingPolicy policy{.poll_period = absl::Seconds(30), .min_capacity = 1, .max_capacity = 3};
  policy.metrics.push_back(
      {.name = "load",
       .source = {.type = "Load"},
       .strategy = policy::Threshold{.lower = 5, .upper = 10, .breaches_to_scale_out = 2, .breaches_to_scale_in = 2}});
  policy.behavior = {.scale_in = {}, .settle = absl::ZeroDuration()};
  return policy;
}

struct Line {
  int64_t at = 0;  // seconds
  int ready = 0;
  int ordered = 0;
  bool operator==(const Line&) const = default;
  friend void PrintTo(const Line& line, std::ostream* out) {
    *out << absl::StrCat("at ", line.at, " s: ", line.ready, " of ", line.ordered);
  }
};

struct Ran {
  Result result;
  std::vector<Line> lines;  // one a pass
  std::vector<decision::Sample> samples;
};

Ran RunOn(const std::string& text, const policy::ScalingPolicy& policy, const simulation::PlantParameters& plant,
          absl::string_view load_metric = "load") {
  const Series series = ParseSeries(text).value();
  const std::vector<MetricInput> inputs = InputsOf(policy, load_metric, "requests/min").value();
  Ran ran;
  const std::function<void(const Pass&)> note = [&ran](const Pass& pass) {
    ran.lines.push_back(
        {absl::ToInt64Seconds(pass.now.wall - absl::UnixEpoch()), pass.plant.Ready(), pass.plant.Ordered()});
    ran.samples.push_back(pass.observation.samples[0]);
  };
  ran.result = Run({.policy = policy, .inputs = inputs, .plant = plant, .series = series}, note);
  return ran;
}

// By hand: 20 until 110 s, then 4.5. Above 10 at 0 and 30 s, so a second is ordered at 30 s and serves at 90 s; at 60 s
// a threshold waits for it. Above 10 at 60 and 90 s: a third is ordered at 90 s and would serve at 150 s. The 4.5 is
// seen at 120 s, while nothing goes in as long as that one boots, and at 150 s, when one goes.
constexpr char kByHand[] = "0,20\n110,20\n120,4.5\n180,4.5\n";

TEST(Backtest, DecidesAsByHand) {
  const Ran ran = RunOn(kByHand, SmallPolicy(), SmallPlant());
  const std::vector<Line> expected = {{0, 1, 1}, {30, 1, 2}, {60, 1, 2}, {90, 2, 3}, {120, 2, 3}, {150, 2, 2}};
  EXPECT_EQ(ran.lines, expected);
  EXPECT_EQ(ran.result.passes, 6);
  EXPECT_EQ(ran.result.scale_outs, 2);
  EXPECT_EQ(ran.result.scale_ins, 1);
  int64_t counted = 0;
  for (const auto& [reason, passes] : ran.result.reasons) counted += passes;
  EXPECT_EQ(counted, 6);
  EXPECT_EQ(ran.result.reasons.at("ThresholdBreached"), 3);
}

// 18 steps, 12 of 20 and 6 of 4.5. One is ready until 80 s, two after.
TEST(Backtest, MeasuresAsByHand) {
  const simulation::Figures figures = RunOn(kByHand, SmallPolicy(), SmallPlant()).result.figures;
  EXPECT_EQ(figures.span, absl::Seconds(180));
  EXPECT_DOUBLE_EQ(figures.requests, (12 * 20 + 6 * 4.5) / 6.0);
  // Short of one for 9 steps of 10 each.
  EXPECT_DOUBLE_EQ(figures.requests_over_capacity_percent, 100.0 * 9 * 10 / (12 * 20 + 6 * 4.5));
  EXPECT_DOUBLE_EQ(figures.theta_under_percent, 100 * 9 * 0.5 / 18);
  EXPECT_EQ(figures.longest_under, absl::Seconds(90));
  EXPECT_EQ(figures.adaptations, 1);
  // Ordered: 1 for 3 steps, 2 for 6, 3 for 6, 2 for 3.
  EXPECT_DOUBLE_EQ(figures.server_hours, (3 * 1 + 6 * 2 + 6 * 3 + 3 * 2) / 360.0);
}

TEST(Backtest, IsTheSameEveryTime) {
  const std::string text = "0,20\n600,90\n1200,3\n3600,50\n";
  simulation::PlantParameters plant = SmallPlant();
  plant.boot = simulation::LognormalBoot{absl::Seconds(60), absl::Seconds(200), 3};
  const Ran first = RunOn(text, SmallPolicy(), plant);
  const Ran second = RunOn(text, SmallPolicy(), plant);
  EXPECT_EQ(first.lines, second.lines);
  EXPECT_EQ(first.result.figures, second.result.figures);
}

TEST(Backtest, HasNoSampleInAGap) {
  const Ran ran = RunOn("0,7\n30,7\n60,7\n90,7\n300,7\n330,7\n360,7\n", SmallPolicy(), SmallPlant());
  std::vector<bool> seen;
  for (const decision::Sample& sample : ran.samples) seen.push_back(sample.state == decision::SampleState::kValid);
  // Passes at 0, 30, ..., 330 s; the gap is from 120 s until before 300 s.
  EXPECT_EQ(seen, (std::vector<bool>{true, true, true, true, false, false, false, false, false, false, true, true}));
}

TEST(Backtest, SeesALoadLateAndSaysWhenItWasMeasured) {
  simulation::PlantParameters plant = SmallPlant();
  plant.metering_delay = absl::Seconds(20);
  const Ran ran = RunOn("0,0\n100,10\n", SmallPolicy(), plant);
  EXPECT_EQ(ran.samples[0].state, decision::SampleState::kMissing);  // nothing is old enough
  EXPECT_DOUBLE_EQ(ran.samples[1].value, 1);                         // of 10 s
  EXPECT_EQ(ran.samples[1].measured_at.wall, absl::FromUnixSeconds(10));
  EXPECT_EQ(ran.samples[1].unit, "requests/min");
}

policy::ScalingPolicy HeartbeatPolicy(const std::string& json) {
  policy::ScalingPolicy policy = SmallPolicy();
  policy.metrics[0] = {.name = "heartbeat",
                       .source = {.type = "HTTPHeartbeat", .json = json},
                       .strategy = policy::Threshold{.lower = 200, .upper = 1000}};
  return policy;
}

TEST(Backtest, GivesAHeartbeatTheResponseTime) {
  const Ran ran = RunOn("0,0\n100,0\n", HeartbeatPolicy("{}"), SmallPlant(), "");
  EXPECT_EQ(ran.samples[0].state, decision::SampleState::kValid);
  EXPECT_DOUBLE_EQ(ran.samples[0].value, 150);  // an idle instance's
  EXPECT_EQ(ran.samples[0].unit, "ms");
}

// With one instance at its limit a response takes 0.15 s (1 + 0.995^2.46 / 0.025) = 6.08 s.
TEST(Backtest, LetsAHeartbeatTimeOut) {
  const std::string text = "0,100\n60,100\n";
  const Ran patient = RunOn(text, HeartbeatPolicy("{}"), SmallPlant(), "");
  EXPECT_EQ(patient.samples[0].state, decision::SampleState::kValid);
  EXPECT_NEAR(patient.samples[0].value, 6077, 10);
  const Ran breach = RunOn(text, HeartbeatPolicy(R"({"timeoutMilliseconds":1000})"), SmallPlant(), "");
  EXPECT_EQ(breach.samples[0].state, decision::SampleState::kCensored);
  EXPECT_DOUBLE_EQ(breach.samples[0].value, 1000);
  const Ran hold = RunOn(text, HeartbeatPolicy(R"({"timeoutMilliseconds":1000,"onTimeout":"Hold"})"), SmallPlant(), "");
  EXPECT_EQ(hold.samples[0].state, decision::SampleState::kMissing);
}

TEST(Backtest, LetsAMetricBeNamedThatReadsTheLoad) {
  const policy::ScalingPolicy policy = HeartbeatPolicy("{}");
  EXPECT_EQ(InputsOf(policy, "", "r/min").value()[0].reads, Reads::kResponseTime);
  EXPECT_EQ(InputsOf(policy, "heartbeat", "r/min").value()[0].reads, Reads::kLoad);
  EXPECT_EQ(InputsOf(policy, "heart", "r/min").status().message(),
            "the policy has no metric 'heart': it has 'heartbeat'");
}

TEST(Backtest, TakesAPolicyAsEnforcedAndNotSuspended) {
  policy::ScalingPolicy policy = SmallPolicy();
  policy.mode = policy::Mode::kRecommend;
  policy.suspend = policy::Suspend{};
  EXPECT_EQ(RunOn("0,20\n180,20\n", policy, SmallPlant()).result.scale_outs, 2);
}

// 09:00 is 32400 s after midnight; the minimum of the window takes effect in the pass at its beginning, which is no
// multiple of the poll period after the start.
TEST(Backtest, PassesWhenAScheduleSaysSo) {
  policy::ScalingPolicy policy = SmallPolicy();
  policy.schedule.windows.push_back({.name = "day", .when = policy::Weekly{.start_minute = 540}, .min_capacity = 3});
  const Ran ran = RunOn("32380,7\n32440,7\n", policy, SmallPlant());
  EXPECT_EQ(ran.lines, (std::vector<Line>{{32380, 1, 1}, {32400, 1, 3}, {32430, 1, 3}}));
}

TEST(Backtest, RoundsAPollPeriodUpToSteps) {
  policy::ScalingPolicy policy = SmallPolicy();
  policy.poll_period = absl::Seconds(25);
  const Ran ran = RunOn("0,7\n90,7\n", policy, SmallPlant());
  EXPECT_EQ(ran.lines, (std::vector<Line>{{0, 1, 1}, {30, 1, 1}, {60, 1, 1}}));
}

}  // namespace
}  // namespace ottoscale::backtest
