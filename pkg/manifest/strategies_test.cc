// spec.metrics[]: aggregation, basis and the four strategies, each with its values and with what is said of a mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "pkg/codec/yaml.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::manifest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A policy whose one metric has these further lines, such as "strategy: {...}", and this part of a heartbeat.
nlohmann::json PolicyWith(absl::string_view metric, absl::string_view heartbeat = "") {
  codec::Documents parsed = codec::ParseYaml(absl::StrCat(R"(apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web}
spec:
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: h}, app: a}}
  maxCapacity: 3
  metrics:
  - name: beat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "https://x/")",
                                                          heartbeat, "}}\n", metric));
  EXPECT_THAT(parsed.problems, IsEmpty()) << metric;
  return std::move(parsed.documents.at(0).value);
}

// The problems, one a line, with "spec.metrics[0]" left out.
std::string ProblemsOf(const nlohmann::json& object) {
  std::vector<std::string> out;
  for (const codec::Problem& problem : CheckManifest(object)) out.push_back(FormatProblem(problem));
  return absl::StrReplaceAll(absl::StrJoin(out, "\n"), {{"spec.metrics[0]", ""}});
}

constexpr char kThreshold[] = "    strategy: {type: Threshold, threshold: {lower: 200, upper: 1000}}\n";

std::string Strategy(absl::string_view type, absl::string_view member, absl::string_view fields) {
  return absl::StrCat("    strategy: {type: ", type, ", ", member, ": {", fields, "}}\n");
}
std::string Tracking(absl::string_view fields) { return Strategy("TargetTracking", "targetTracking", fields); }
std::string Goal(absl::string_view fields) { return Strategy("LatencyGoal", "latencyGoal", fields); }
std::string Steps(absl::string_view steps, absl::string_view more = "") {
  return Strategy("StepTable", "stepTable", absl::StrCat("steps: [", steps, "]", more));
}

policy::Metric Decode(absl::string_view metric) {
  const Decoded<policy::ScalingPolicy> decoded = DecodeScalingPolicy(PolicyWith(metric));
  EXPECT_THAT(decoded.problems, IsEmpty()) << metric;
  return decoded.value->metrics.at(0);
}

TEST(Strategies, AreDecodedWithTheirDefaults) {
  struct Row {
    std::string metric;
    policy::Strategy strategy;
  };
  using Change = policy::StepTable::Change;
  const Row rows[] = {
      {Tracking("target: 45"), policy::TargetTracking{.target = 45}},
      {Tracking("target: '37.5', scaleOutTolerancePercent: 0, scaleInTolerancePercent: 30, lookAheadSeconds: 0"),
       policy::TargetTracking{.target = 37.5,
                              .scale_out_tolerance_percent = 0,
                              .scale_in_tolerance_percent = 30,
                              .look_ahead = absl::ZeroDuration()}},
      {Steps("{lower: 1000, change: 1}"), policy::StepTable{.steps = {{.lower = 1000, .change = 1}}}},
      {Steps("{upper: 100, change: -2}, {lower: '200.5', upper: 300, change: 10}, {lower: '300.0', change: 50}",
             ", changeType: Percent, breachesToScaleOut: 1, breachesToScaleIn: 9"),
       policy::StepTable{.change = Change::kPercent,
                         .steps = {{.upper = 100, .change = -2},
                                   {.lower = 200.5, .upper = 300, .change = 10},
                                   {.lower = 300, .change = 50}},
                         .breaches_to_scale_out = 1,
                         .breaches_to_scale_in = 9}},
      {Goal("goalMilliseconds: 500"), policy::LatencyGoal{.goal_milliseconds = 500}},
      {Goal("goalMilliseconds: 500, serviceMilliseconds: 80, workersPerInstance: 16"),
       policy::LatencyGoal{.goal_milliseconds = 500, .service_milliseconds = 80, .workers_per_instance = 16}},
  };
  for (const Row& row : rows) EXPECT_EQ(Decode(row.metric).strategy, row.strategy) << row.metric;
}

TEST(Strategies, SayWhatIsAllowed) {
  struct Row {
    std::string metric;
    const char* problem;
  };
  const std::string order =
      ".strategy.stepTable.steps: must be in order: a step begins where the one before it ends, steps that take away "
      "lie below those that add with room between them, and the last that adds has no `upper`, found ";
  const Row rows[] = {
      {Tracking(""),
       ".strategy.targetTracking.target: is required: the value that is kept, such as 45 connections an "
       "instance"},
      {Tracking("target: 0"), ".strategy.targetTracking.target: must be greater than 0, found 0"},
      {Tracking("target: '1e3'"),
       ".strategy.targetTracking.target: must be a plain decimal number from 0 to 1000000000000, such as 200 or "
       "\"37.5\", found '1e3'"},
      {Tracking("target: 45, tolerancePercent: 10, scaleInTolerancePercent: 100"),
       ".strategy.targetTracking.scaleInTolerancePercent: must be an integer from 0 to 99, found 100\n"
       ".strategy.targetTracking.tolerancePercent: is an unknown field, did you mean `scaleOutTolerancePercent`?"},
      {"    strategy: {type: TargetTracking, threshold: {lower: 1, upper: 2}}\n",
       ".strategy.threshold: must not be set when `type` is 'TargetTracking'\n"
       ".strategy.targetTracking: is required: `type` is 'TargetTracking'"},
      {"    strategy: {type: Tracking}\n",
       ".strategy.type: must be 'Threshold', 'TargetTracking', 'StepTable' or 'LatencyGoal', found 'Tracking'"},
      {Steps(""), ".strategy.stepTable.steps: must have 1 to 20 items, found 0"},
      {Steps("{change: 1}"), ".strategy.stepTable.steps[0].lower: is required: a step that adds begins at a value"},
      {Steps("{change: -1}"),
       ".strategy.stepTable.steps[0].upper: is required: a step that takes away ends at a value"},
      {Steps("{lower: 5}"),
       ".strategy.stepTable.steps[0].change: is required: how many instances or percent are added, or taken away when "
       "it is negative"},
      {Steps("{lower: 5, change: 0}"),
       ".strategy.stepTable.steps[0].change: must not be 0: where no step is, nothing is done"},
      {Steps("{lower: 5, upper: 5, change: -1}"),
       ".strategy.stepTable.steps[0].lower: must be less than upper (5), found 5"},
      {Strategy("StepTable", "stepTable", "changeType: Nodes"),
       ".strategy.stepTable.changeType: must be 'Instances' or 'Percent', found 'Nodes'\n"
       ".strategy.stepTable.steps: is required: which change belongs to which values"},
      {Goal(""), ".strategy.latencyGoal.goalMilliseconds: is required: the response time to keep"},
      {Goal("goalMilliseconds: 500, serviceMilliseconds: 500"),
       ".strategy.latencyGoal.serviceMilliseconds: must be less than goalMilliseconds (500), found 500"},
      {Goal("goalMilliseconds: 500, workersPerInstance: 0"),
       ".strategy.latencyGoal.workersPerInstance: must be an integer from 1 to 1000, found 0"},
      {absl::StrCat("    basis: PerInstance\n", Goal("goalMilliseconds: 500")),
       ".basis: must be 'Value' when the strategy is LatencyGoal: a response time is not shared among the instances"},
  };
  for (const Row& row : rows) EXPECT_EQ(ProblemsOf(PolicyWith(row.metric)), row.problem) << row.metric;

  const Row orders[] = {
      {"{lower: 5, upper: 9, change: 1}", "'5 to 9 adds' at the end"},
      {"{lower: 5, upper: 9, change: 1}, {lower: 8, change: 2}", "'5 to 9 adds' before '8 to - adds'"},
      {"{lower: 5, upper: 9, change: 1}, {lower: 10, change: 2}", "'5 to 9 adds' before '10 to - adds'"},
      {"{lower: 9, change: 1}, {lower: 5, upper: 9, change: 2}", "'9 to - adds' before '5 to 9 adds'"},
      {"{upper: 5, change: -1}, {lower: 5, change: 1}", "'- to 5 takes away' before '5 to - adds'"},
      {"{lower: 9, change: 1}, {upper: 5, change: -1}", "'9 to - adds' before '- to 5 takes away'"},
      {"{upper: 5, change: -2}, {lower: 6, upper: 7, change: -1}", "'- to 5 takes away' before '6 to 7 takes away'"},
  };
  for (const Row& row : orders) {
    const std::string problems = ProblemsOf(PolicyWith(Steps(row.metric)));
    EXPECT_EQ(problems.substr(0, problems.find('\n')), order + row.problem) << row.metric;
  }
}

TEST(Strategies, AreSeenOnlyWithinTheTimeoutOfAHeartbeat) {
  const std::string at = ".source.httpHeartbeat.timeoutMilliseconds: must be greater than ";
  const std::string or_equal = ", or equal to it when onTimeout is 'Breach', found ";
  struct Row {
    std::string metric;
    int timeout;  // the least with onTimeout: Breach
    std::string what;
    std::string found;
  };
  const Row rows[] = {
      {Strategy("Threshold", "threshold", "lower: 1, upper: 1000"), 1000, "the threshold's upper", "an upper of 1000"},
      {Tracking("target: 1000"), 1100, "the target with its tolerance", "a target of 1000 with 10 %"},
      {Steps("{lower: 10, upper: 1000, change: 1}, {lower: 1000, change: 2}"), 1000, "the lower of each step that adds",
       "a lower of 1000"},
      {Goal("goalMilliseconds: 1000"), 1000, "the goal", "a goal of 1000"},
  };
  for (const Row& row : rows) {
    const auto problems = [&](int timeout, absl::string_view on_timeout) {
      return ProblemsOf(
          PolicyWith(row.metric, absl::StrCat(", timeoutMilliseconds: ", timeout, ", onTimeout: ", on_timeout)));
    };
    EXPECT_EQ(problems(row.timeout, "Breach"), "") << row.metric;
    EXPECT_EQ(problems(row.timeout + 1, "Hold"), "") << row.metric;
    EXPECT_EQ(problems(row.timeout - 1, "Breach"),
              absl::StrCat(at, row.what, or_equal, row.timeout - 1, " and ", row.found));
    EXPECT_EQ(problems(row.timeout, "Hold"),
              absl::StrCat(at, row.what, or_equal, row.timeout, " and ", row.found, ", with 'Hold'"));
  }
}

TEST(Aggregation, IsDecodedWithItsDefaults) {
  using Type = policy::Aggregation::Type;
  struct Row {
    const char* aggregation;
    policy::Aggregation expected;
  };
  const Row rows[] = {
      {"{}", {}},
      {"{type: Last, windowSeconds: 0}", {}},
      {"{type: Mean, windowSeconds: 1}", {.type = Type::kMean, .window = absl::Seconds(1)}},
      {"{type: ExponentialMean, windowSeconds: 3600}", {.type = Type::kExponentialMean, .window = absl::Hours(1)}},
      {"{type: Percentile, windowSeconds: 60}", {.type = Type::kPercentile, .window = absl::Minutes(1), .percent = 95}},
      {"{type: Percentile, windowSeconds: 60, percent: '99.9'}",
       {.type = Type::kPercentile, .window = absl::Minutes(1), .percent = 99.9}},
  };
  for (const Row& row : rows) {
    const policy::Metric metric = Decode(absl::StrCat("    aggregation: ", row.aggregation, "\n", kThreshold));
    EXPECT_EQ(metric.aggregation, row.expected) << row.aggregation;
  }
}

TEST(Aggregation, SaysWhatIsAllowed) {
  struct Row {
    const char* aggregation;
    const char* problem;
  };
  const Row rows[] = {
      {"{windowSeconds: 60}", ".windowSeconds: must be 0 when `type` is 'Last', found 60"},
      {"{type: Mean}", ".windowSeconds: must be from 1 to 3600 when `type` is 'Mean', found 0"},
      {"{type: Mean, windowSeconds: 0}", ".windowSeconds: must be from 1 to 3600 when `type` is 'Mean', found 0"},
      {"{type: Mean, windowSeconds: 3601}", ".windowSeconds: must be an integer from 0 to 3600, found 3601"},
      {"{type: Mean, windowSeconds: 60, percent: 95}", ".percent: must not be set when `type` is 'Mean'"},
      {"{percent: 95}", ".percent: must not be set when `type` is 'Last'"},
      {"{type: Percentile, windowSeconds: 60, percent: 0}",
       ".percent: must be greater than 0 and at most 100, found 0"},
      {"{type: Percentile, windowSeconds: 60, percent: '100.5'}",
       ".percent: must be greater than 0 and at most 100, found 100.5"},
      {"{type: Median, windowSeconds: 60}",
       ".type: must be 'Last', 'Mean', 'ExponentialMean' or 'Percentile', found 'Median', did you mean 'Mean'?"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ProblemsOf(PolicyWith(absl::StrCat("    aggregation: ", row.aggregation, "\n", kThreshold))),
              absl::StrCat(".aggregation", row.problem))
        << row.aggregation;
  }
}

TEST(Metrics, SayWhatBasisAndSuddenDropMayBe) {
  EXPECT_EQ(Decode(absl::StrCat("    basis: PerInstance\n", kThreshold)).basis, policy::Basis::kPerInstance);
  EXPECT_EQ(Decode(kThreshold).sudden_drop, policy::Metric::SuddenDrop::kConfirm);
  EXPECT_EQ(ProblemsOf(PolicyWith(absl::StrCat("    basis: PerNode\n    suddenDrop: Ignore\n", kThreshold))),
            ".basis: must be 'Value' or 'PerInstance' in this version, found 'PerNode', which is not supported yet\n"
            ".suddenDrop: must be 'Confirm' or 'Accept', found 'Ignore'");
}

}  // namespace
}  // namespace ottoscale::manifest
