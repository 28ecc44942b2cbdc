#include "pkg/manifest/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/codec/json.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::manifest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ReadFile(absl::string_view path) {
  std::ifstream in(absl::StrCat(OTTOSCALE_SOURCE_DIR, "/", path));
  EXPECT_TRUE(in.good()) << path;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// What `ottoscale validate` prints for the text of a file.
std::vector<std::string> Validate(absl::string_view file, absl::string_view text,
                                  const ProviderCheck& check = nullptr) {
  const codec::Documents parsed = codec::ParseYaml(text);
  std::vector<std::string> out;
  for (const codec::Problem& problem : parsed.problems) out.push_back(FormatProblem(file, problem));
  for (const codec::Document& document : parsed.documents) {
    for (const codec::Problem& problem : CheckManifest(document.value, &document.positions, check)) {
      out.push_back(FormatProblem(file, problem));
    }
  }
  return out;
}

nlohmann::json Json(absl::string_view yaml) {
  codec::Documents parsed = codec::ParseYaml(yaml);
  EXPECT_THAT(parsed.problems, IsEmpty());
  return std::move(parsed.documents.at(0).value);
}

// The shortest useful policy; `more` are further lines of its spec, `threshold` further fields of the threshold.
std::string PolicyText(absl::string_view more = "", absl::string_view threshold = "lower: 200, upper: 1000") {
  return absl::StrCat(R"(apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web}
spec:
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, app: dancing-forest-1234}}
  metrics:
  - name: heartbeat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "https://shop.example/"}}
    strategy: {type: Threshold, threshold: {)",
                      threshold, "}}\n  maxCapacity: 3\n", more);
}

std::vector<std::string> ProblemsOf(absl::string_view text) {
  std::vector<std::string> out;
  const nlohmann::json object = Json(text);
  for (const codec::Problem& problem : CheckManifest(object)) out.push_back(FormatProblem(problem));
  return out;
}

TEST(DecodeScalingPolicy, GivesTheDefaultsOfTheShortestPolicy) {
  const Decoded<policy::ScalingPolicy> decoded = DecodeScalingPolicy(Json(PolicyText()));
  ASSERT_THAT(decoded.problems, IsEmpty());
  policy::ScalingPolicy expected;
  expected.target = {.type = "HerokuFormation",
                     .json = R"({"accountRef":{"name":"heroku"},"app":"dancing-forest-1234"})",
                     .account = "heroku"};
  expected.max_capacity = 3;
  expected.metrics = {{.name = "heartbeat",
                       .source = {.type = "HTTPHeartbeat", .json = R"({"url":"https://shop.example/"})", .account = ""},
                       .scale_out_only = false,
                       .max_age = std::nullopt,
                       .strategy = policy::Threshold{.lower = 200, .upper = 1000}}};
  EXPECT_EQ(*decoded.value, expected);
  EXPECT_EQ(decoded.value->mode, policy::Mode::kEnforce);
  EXPECT_EQ(decoded.value->poll_period, absl::Seconds(30));
  EXPECT_EQ(decoded.value->behavior.scale_in.stabilization_window, absl::Seconds(300));
  EXPECT_THAT(decoded.value->behavior.scale_in.policies, SizeIs(1));
}

TEST(DecodeScalingPolicy, ReadsEveryField) {
  const Decoded<policy::ScalingPolicy> decoded = DecodeScalingPolicy(Json(R"(
spec:
  mode: Recommend
  suspend: {scope: ScaleIn, untilTime: "2026-12-01T00:00:00Z", reason: load test}
  pollPeriodSeconds: 60
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: h}, app: a, processType: worker}}
  minCapacity: 2
  maxCapacity: 9
  schedule:
    timeZone: America/Vancouver
    windows:
    - {name: office, type: Weekly, weekly: {days: [Monday, Sunday], start: "22:00", end: "24:00"}, minCapacity: 3}
    - {name: sale, type: Once, once: {start: "2026-11-27T00:00", end: "2026-11-30T24:00"}, minCapacity: 4, maxCapacity: 8}
  metrics:
  - name: beat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "https://x/"}}
    basis: PerInstance
    aggregation: {type: Mean, windowSeconds: 300}
    suddenDrop: Accept
    directions: ScaleOutOnly
    maxAgeSeconds: 120
    strategy: {type: Threshold, threshold: {lower: "37.5", upper: 1000, breachesToScaleOut: 1, breachesToScaleIn: 2,
                                            stepOut: 3, stepIn: 4}}
  behavior:
    scaleOut: {cooldownSeconds: 1, stabilizationWindowSeconds: 2, selectPolicy: Min,
               policies: [{type: Instances, value: 4, periodSeconds: 60}]}
    scaleIn: {selectPolicy: Disabled, policies: []}
    scaleInProjection: Disabled
    settleSeconds: 5
    progressDeadlineSeconds: 100
  fallback: {afterSeconds: 900, type: AtLeast, atLeast: {capacity: 6}}
  manualChange: {type: Hold, hold: {holdSeconds: 3600}}
  notifications: [{channelRef: {name: ops}, events: [ScaledOut, NeedsExceedMax]}]
)"));
  ASSERT_THAT(decoded.problems, IsEmpty());
  const policy::ScalingPolicy& p = *decoded.value;
  EXPECT_EQ(p.mode, policy::Mode::kRecommend);
  EXPECT_EQ(p.suspend, (policy::Suspend{.scope = policy::Suspend::Scope::kScaleIn,
                                        .until = absl::FromUnixSeconds(1796083200),
                                        .reason = "load test"}));
  EXPECT_EQ(p.poll_period, absl::Minutes(1));
  EXPECT_EQ(p.target.account, "h");
  EXPECT_EQ(p.min_capacity, 2);
  EXPECT_EQ(p.max_capacity, 9);
  EXPECT_EQ(p.schedule.zone.name(), "America/Vancouver");
  const policy::Window office = {.name = "office",
                                 .when = policy::Weekly{.days = {true, false, false, false, false, false, true},
                                                        .start_minute = 1320,
                                                        .end_minute = 1440},
                                 .min_capacity = 3,
                                 .max_capacity = std::nullopt};
  const policy::Window sale = {
      .name = "sale",
      .when = policy::Once{.start = absl::CivilMinute(2026, 11, 27), .end = absl::CivilMinute(2026, 12, 1)},
      .min_capacity = 4,
      .max_capacity = 8};
  EXPECT_THAT(p.schedule.windows, ElementsAre(office, sale));
  ASSERT_THAT(p.metrics, SizeIs(1));
  EXPECT_TRUE(p.metrics[0].scale_out_only);
  EXPECT_EQ(p.metrics[0].max_age, absl::Minutes(2));
  EXPECT_EQ(p.metrics[0].basis, policy::Basis::kPerInstance);
  EXPECT_EQ(p.metrics[0].aggregation,
            (policy::Aggregation{.type = policy::Aggregation::Type::kMean, .window = absl::Minutes(5)}));
  EXPECT_EQ(p.metrics[0].sudden_drop, policy::Metric::SuddenDrop::kAccept);
  const policy::Strategy threshold = policy::Threshold{
      .lower = 37.5, .upper = 1000, .breaches_to_scale_out = 1, .breaches_to_scale_in = 2, .step_out = 3, .step_in = 4};
  EXPECT_EQ(p.metrics[0].strategy, threshold);
  using Select = policy::DirectionBehavior::Select;
  const policy::Behavior behavior = {.scale_out = {.cooldown = absl::Seconds(1),
                                                   .stabilization_window = absl::Seconds(2),
                                                   .select = Select::kMin,
                                                   .policies = {{.type = policy::RatePolicy::Type::kInstances,
                                                                 .value = 4,
                                                                 .period = absl::Seconds(60)}}},
                                     .scale_in = {.cooldown = absl::ZeroDuration(),
                                                  .stabilization_window = absl::Seconds(300),
                                                  .select = Select::kDisabled,
                                                  .policies = {}},
                                     .project_scale_in = false,
                                     .settle = absl::Seconds(5),
                                     .progress_deadline = absl::Seconds(100)};
  EXPECT_EQ(p.behavior, behavior);
  EXPECT_EQ(p.fallback,
            (policy::Fallback{.type = policy::Fallback::Type::kAtLeast, .after = absl::Minutes(15), .capacity = 6}));
  EXPECT_EQ(p.manual_change, (policy::ManualChange{.type = policy::ManualChange::Type::kHold, .hold = absl::Hours(1)}));
  const policy::NotificationRule rule = {.channel = "ops", .events = {"ScaledOut", "NeedsExceedMax"}};
  EXPECT_THAT(p.notifications, ElementsAre(rule));
}

TEST(DecodeScalingPolicy, SaysWhatIsAllowed) {
  struct Row {
    std::string text;
    const char* problem;
  };
  const Row rows[] = {
      {PolicyText("  minCapacity: 4\n"), "spec.minCapacity: must be less than or equal to maxCapacity (3), found 4"},
      {PolicyText("  minCapacity: -1\n"), "spec.minCapacity: must be an integer from 0 to 10000, found -1"},
      {PolicyText("  minCapacity: 1.5\n"), "spec.minCapacity: must be an integer from 0 to 10000, found 1.5"},
      {PolicyText("  minCapacity: '2'\n"), "spec.minCapacity: must be an integer from 0 to 10000, found '2'"},
      {PolicyText("  mode: enforce\n"),
       "spec.mode: must be 'Enforce' or 'Recommend', found 'enforce', did you mean 'Enforce'?"},
      {PolicyText("  mode: on\n"), "spec.mode: must be 'Enforce' or 'Recommend', found 'on'"},
      {PolicyText("  pollPeriodSeconds: 3601\n"),
       "spec.pollPeriodSeconds: must be an integer from 5 to 3600, found 3601"},
      {PolicyText("  suspend: {scope: All, untilTime: tomorrow}\n"),
       "spec.suspend.untilTime: must be a time such as \"2026-12-01T00:00:00Z\", found 'tomorrow'"},
      {PolicyText("  suspend: true\n"), "spec.suspend: must be an object, found true"},
      {PolicyText("  behavior: {scaleIn: {policies: [{type: Percent, value: 0, periodSeconds: 60}]}}\n"),
       "spec.behavior.scaleIn.policies[0].value: must be an integer from 1 to 1000, found 0"},
      {PolicyText("  behavior: {scaleOut: {policies: [{type: Pods, value: 1}]}}\n"),
       "spec.behavior.scaleOut.policies[0].type: must be 'Percent' or 'Instances', found 'Pods'\n"
       "spec.behavior.scaleOut.policies[0].periodSeconds: is required"},
      {PolicyText("  behavior: {limits: {}}\n"),
       "spec.behavior.limits: is an unknown field, known are `scaleOut`, `scaleIn`, `settleSeconds`, "
       "`progressDeadlineSeconds` and `scaleInProjection`"},
      {PolicyText("  fallback: {type: AtLeast}\n"), "spec.fallback.atLeast: is required: `type` is 'AtLeast'"},
      {PolicyText("  fallback: {type: AtLeast, atLeast: {}}\n"),
       "spec.fallback.atLeast.capacity: is required: enough for a time without sight"},
      {PolicyText("  fallback: {atLeast: {capacity: 2}}\n"),
       "spec.fallback.atLeast: must not be set when `type` is 'Hold'"},
      {PolicyText("  fallback: {type: AtLeast, atLeast: {capacity: 4}}\n"),
       "spec.fallback.atLeast.capacity: must be less than or equal to maxCapacity or that of a window (3 at most), "
       "found "
       "4"},
      {PolicyText(
           "  schedule: {windows: [{name: a, type: Weekly, weekly: {start: '09:00', end: '17:00'}, maxCapacity: 4}]}\n"
           "  fallback: {type: AtLeast, atLeast: {capacity: 4}}\n"),
       ""},
      {PolicyText("  fallback: {type: Max}\n"), "spec.fallback.type: must be 'Hold' or 'AtLeast', found 'Max'"},
      {PolicyText("  manualChange: {type: Hold}\n"), "spec.manualChange.hold: is required: `type` is 'Hold'"},
      {PolicyText("  manualChange: {type: Hold, hold: {}}\n"),
       "spec.manualChange.hold.holdSeconds: is required: for how long somebody else's change is left as it is"},
      {PolicyText("  manualChange: {type: Hold, hold: {holdSeconds: 59}}\n"),
       "spec.manualChange.hold.holdSeconds: must be an integer from 60 to 604800, found 59"},
      {PolicyText("  manualChange: {type: Revert, hold: {holdSeconds: 60}}\n"),
       "spec.manualChange.hold: must not be set when `type` is 'Revert'"},
      {PolicyText("  notifications: [{channelRef: {name: ops}, events: [ScaleOut, ScaledOut, ScaledOut]}]\n"),
       "spec.notifications[0].events[0]: must be 'ScaledOut', 'ScaledIn', 'ScaleFailed', 'NeedsExceedMax', "
       "'NeedsBelowMin' or 'Suspended', found 'ScaleOut', did you mean 'ScaledOut'?\n"
       "spec.notifications[0].events[2]: must be listed once, found 'ScaledOut' again"},
      {PolicyText("  notifications: [{channelRef: {name: ops}, events: []}]\n"),
       "spec.notifications[0].events: must have 1 to 16 items, found 0"},
      {PolicyText("", "lower: 1000, upper: 1000"),
       "spec.metrics[0].strategy.threshold.lower: must be less than upper (1000), found 1000"},
      {PolicyText("", "lower: 200"),
       "spec.metrics[0].strategy.threshold.upper: is required: above it there is less capacity than needed"},
      {PolicyText("", "lower: 200m, upper: 1000"),
       "spec.metrics[0].strategy.threshold.lower: must be a plain decimal number from 0 to 1000000000000, such as 200 "
       "or "
       "\"37.5\", found '200m'"},
      {PolicyText("", "lower: 200, upper: 1000, breachesToScaleOut: 0, stepOut: 1001"),
       "spec.metrics[0].strategy.threshold.breachesToScaleOut: must be an integer from 1 to 100, found 0\n"
       "spec.metrics[0].strategy.threshold.stepOut: must be an integer from 1 to 1000, found 1001"},
      {PolicyText("", "lower: 200, upper: 10001"),
       "spec.metrics[0].source.httpHeartbeat.timeoutMilliseconds: must be greater than the threshold's upper, or "
       "equal to it when onTimeout is 'Breach', found 10000 and an upper of 10001"},
      {PolicyText("  spec: {}\n"),
       "spec.spec: is an unknown field, known are `mode`, `suspend`, `pollPeriodSeconds`, "
       "`target`, `maxCapacity`, `minCapacity`, `schedule`, `metrics`, `behavior`, `fallback`, "
       "`manualChange` and `notifications`"},
  };
  for (const Row& row : rows) EXPECT_EQ(absl::StrJoin(ProblemsOf(row.text), "\n"), row.problem) << row.text;
}

TEST(DecodeScalingPolicy, ChecksWindows) {
  struct Row {
    const char* window;
    const char* problem;
  };
  const std::string at = "spec.schedule.windows[0]";
  const Row rows[] = {
      {"{name: a, type: Weekly, weekly: {start: 9:00, end: '17:00'}, minCapacity: 1}",
       ".weekly.start: must be a time such as \"09:00\", from \"00:00\" to \"23:59\", found '9:00'"},
      {"{name: a, type: Weekly, weekly: {start: '24:00', end: '17:00'}, minCapacity: 1}",
       ".weekly.start: must be a time such as \"09:00\", from \"00:00\" to \"23:59\", found '24:00'"},
      {"{name: a, type: Weekly, weekly: {start: '09:00', end: '24:01'}, minCapacity: 1}",
       ".weekly.end: must be a time such as \"17:00\", from \"00:00\" to \"24:00\", found '24:01'"},
      {"{name: a, type: Weekly, weekly: {start: '09:00'}, minCapacity: 1}",
       ".weekly.end: is required: a time such as \"17:00\", or \"24:00\""},
      {"{name: a, type: Weekly, weekly: {days: [Mon, Friday, Friday], start: '09:00', end: '17:00'}, minCapacity: 1}",
       ".weekly.days[0]: must be a day from 'Monday' to 'Sunday', found 'Mon'\n"
       "spec.schedule.windows[0].weekly.days[2]: must be listed once, found 'Friday' again"},
      {"{name: a, type: Weekly, weekly: {days: [], start: '09:00', end: '17:00'}, minCapacity: 1}",
       ".weekly.days: must have 1 to 7 items, found 0"},
      {"{name: a, type: Weekly, minCapacity: 1}", ".weekly: is required: `type` is 'Weekly'"},
      {"{name: a, type: Once, once: {start: '2026-02-30T00:00', end: '2026-03-01T00:00'}, minCapacity: 1}",
       ".once.start: must be a local time such as \"2026-11-27T00:00\", without a zone, found '2026-02-30T00:00'"},
      {"{name: a, type: Once, once: {start: '2026-03-01T00:00Z', end: '2026-03-02T00:00'}, minCapacity: 1}",
       ".once.start: must be a local time such as \"2026-11-27T00:00\", without a zone, found '2026-03-01T00:00Z'"},
      {"{name: a, type: Once, once: {start: '2026-03-01T00:00', end: '2026-03-01T00:00'}, minCapacity: 1}",
       ".once.end: must be later than `start` (2026-03-01T00:00), found '2026-03-01T00:00'"},
      {"{name: a, type: Once, once: {start: '2026-03-01T00:00', end: '2026-03-02T00:00'},"
       " weekly: {start: '09:00', end: '17:00'}, minCapacity: 1}",
       ".weekly: must not be set when `type` is 'Once'"},
      {"{name: a, type: Weekly, weekly: {start: '09:00', end: '17:00'}}",
       ": must set `minCapacity`, `maxCapacity` or both: without them the window does nothing"},
      {"{name: a, type: Weekly, weekly: {start: '09:00', end: '17:00'}, minCapacity: 3, maxCapacity: 2}",
       ".minCapacity: must be less than or equal to maxCapacity (2), found 3"},
      {"{name: A b, type: Weekly, weekly: {start: '09:00', end: '17:00'}, minCapacity: 3}",
       ".name: must be 1 to 63 lower case letters, digits or '-', with a letter or digit at both ends, found 'A b'"},
  };
  for (const Row& row : rows) {
    const std::string text = PolicyText(absl::StrCat("  schedule: {windows: [", row.window, "]}\n"));
    EXPECT_EQ(absl::StrJoin(ProblemsOf(text), "\n"), at + row.problem) << row.window;
  }
}

TEST(DecodeScalingPolicy, TakesOnlyNamesOfTimeZones) {
  for (const char* zone : {"UTC", "America/Vancouver", "America/Argentina/Buenos_Aires", "Etc/GMT+5"}) {
    EXPECT_THAT(ProblemsOf(PolicyText(absl::StrCat("  schedule: {timeZone: ", zone, "}\n"))), IsEmpty()) << zone;
  }
  for (const char* zone : {"localtime", "/etc/localtime", "posix/UTC", "right/UTC", "Fixed/UTC+05:30:00", "../UTC",
                           "file:/etc/localtime", "America/Vancover", "america/vancouver", "a/b/c/d", "PST"}) {
    EXPECT_THAT(ProblemsOf(PolicyText(absl::StrCat("  schedule: {timeZone: '", zone, "'}\n"))),
                ElementsAre(absl::StrCat("spec.schedule.timeZone: must be the IANA name of a time zone, such as "
                                         "'America/Vancouver' or 'UTC', found '",
                                         zone, "'")));
  }
}

TEST(DecodeScalingPolicy, TheTimeoutMayEqualUpperOnlyWhenItIsTheBreach) {
  const auto problems = [](absl::string_view heartbeat) {
    return ProblemsOf(absl::StrCat(R"(apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web}
spec:
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: h}, app: a}}
  maxCapacity: 3
  metrics:
  - name: beat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "https://x/", )",
                                   heartbeat, R"(}}
    strategy: {type: Threshold, threshold: {lower: 1, upper: "1000"}}
)"));
  };
  EXPECT_THAT(problems("timeoutMilliseconds: 1000"), IsEmpty());
  EXPECT_THAT(problems("timeoutMilliseconds: 1001, onTimeout: Hold"), IsEmpty());
  const std::string path =
      "spec.metrics[0].source.httpHeartbeat.timeoutMilliseconds: must be greater than the threshold's upper, or equal "
      "to it when onTimeout is 'Breach', found ";
  EXPECT_THAT(problems("timeoutMilliseconds: 1000, onTimeout: Hold"),
              ElementsAre(path + "1000 and an upper of 1000, with 'Hold'"));
  EXPECT_THAT(problems("timeoutMilliseconds: 999"), ElementsAre(path + "999 and an upper of 1000"));
}

TEST(DecodeScalingPolicy, ChecksTheUnionsOfTargetAndSource) {
  const auto problems = [](absl::string_view target, absl::string_view metric) {
    return absl::StrJoin(ProblemsOf(absl::StrCat("apiVersion: ottoscale.dev/v1alpha1\nkind: ScalingPolicy\n"
                                                 "metadata: {name: web}\nspec: {maxCapacity: 3, target: ",
                                                 target, ", metrics: [", metric, "]}\n")),
                         "\n");
  };
  const char* target = "{type: HerokuFormation, herokuFormation: {accountRef: {name: h}, app: a}}";
  const char* metric =
      "{name: a, source: {type: HTTPHeartbeat, httpHeartbeat: {}}, strategy: {type: Threshold, "
      "threshold: {lower: 1, upper: 2}}}";
  EXPECT_EQ(problems(target, metric), "");
  EXPECT_EQ(problems(target, absl::StrCat(metric, ", ", metric)),
            "spec.metrics[1]: must have a name that is unique among the metrics, found 'a' again");
  EXPECT_EQ(
      problems("{type: OtterGroup, otterGroup: {accountRef: {name: r}, groupName: g}}", metric),
      "spec.target.type: must be 'HerokuFormation' in this version, found 'OtterGroup', which is not supported yet");
  EXPECT_EQ(problems("{type: Heroku}", metric),
            "spec.target.type: must be 'HerokuFormation', 'OtterGroup' or 'ScaleSubresource', found 'Heroku'");
  EXPECT_EQ(problems("{herokuFormation: {accountRef: {name: h}}}", metric),
            "spec.target.type: is required: it names the one member that is set, 'HerokuFormation'");
  EXPECT_EQ(problems("{type: HerokuFormation}", metric),
            "spec.target.herokuFormation: is required: `type` is 'HerokuFormation'");
  EXPECT_EQ(
      problems("{type: HerokuFormation, herokuFormation: {app: a}}", metric),
      "spec.target.herokuFormation.accountRef: is required: set the `name` of a CloudAccount in the same namespace");
  EXPECT_EQ(
      problems("{type: HerokuFormation, herokuFormation: {accountRef: {name: h, kind: X}, app: a}, otterGroup: {}}",
               metric),
      "spec.target.otterGroup: must not be set when `type` is 'HerokuFormation'\n"
      "spec.target.herokuFormation.accountRef.kind: is an unknown field, known are `name`");
  EXPECT_EQ(
      problems(target,
               "{name: a, source: {type: RackspaceLoadBalancer, rackspaceLoadBalancer: {}}, basis: "
               "PerNode, aggregation: {type: Mean, windowSeconds: 60}, strategy: {type: TargetTracking, "
               "targetTracking: {target: 45}}}"),
      "spec.metrics[0].source.type: must be 'HTTPHeartbeat' in this version, found 'RackspaceLoadBalancer', which is "
      "not supported yet\n"
      "spec.metrics[0].basis: must be 'Value' or 'PerInstance' in this version, found 'PerNode', which is not "
      "supported "
      "yet");
  EXPECT_EQ(problems(target, "{}"),
            "spec.metrics[0].name: is required: it names the metric in messages and in status\n"
            "spec.metrics[0].source: is required: where the value comes from\n"
            "spec.metrics[0].strategy: is required: how the value becomes a capacity");
}

TEST(DecodeScalingPolicy, AsksTheProviderAboutItsConfiguration) {
  const ProviderCheck check = [](ConfigKind kind, const policy::ProviderConfig& config) {
    std::vector<codec::Problem> out;
    if (kind == ConfigKind::kSource) out.push_back({.path = "expectedStatuses[1]", .message = "must be a status"});
    EXPECT_EQ(config.type, kind == ConfigKind::kSource ? "HTTPHeartbeat" : "HerokuFormation");
    return out;
  };
  EXPECT_THAT(Validate("p.yaml", R"(apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web}
spec:
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, app: a}}
  maxCapacity: 3
  metrics:
  - name: heartbeat
    source:
      type: HTTPHeartbeat
      httpHeartbeat:
        url: "https://shop.example/"
        expectedStatuses:
        - "200"
        - "2xx"
    strategy: {type: Threshold, threshold: {lower: 200, upper: 1000}}
)",
                       check),
              ElementsAre("p.yaml:15:11: spec.metrics[0].source.httpHeartbeat.expectedStatuses[1]: must be a status"));
}

TEST(DecodeCloudAccount, ReadsAndChecks) {
  const auto account = [](absl::string_view heroku) {
    return absl::StrCat(
        "apiVersion: ottoscale.dev/v1alpha1\nkind: CloudAccount\nmetadata: {name: h}\nspec: {type: Heroku, "
        "heroku: {apiKeySecretRef: {name: s, key: apiKey}",
        heroku, "}}\n");
  };
  EXPECT_EQ(DecodeCloudAccount(Json(account(""))).value,
            (policy::CloudAccount{.type = "Heroku",
                                  .credential = {.name = "s", .key = "apiKey"},
                                  .url = "https://api.heroku.com",
                                  .requests_per_minute = 60}));
  EXPECT_EQ(DecodeCloudAccount(Json(account(", apiURL: 'http://127.0.0.1:8080/', requestsPerMinute: 75"))).value,
            (policy::CloudAccount{.type = "Heroku",
                                  .credential = {.name = "s", .key = "apiKey"},
                                  .url = "http://127.0.0.1:8080",
                                  .requests_per_minute = 75}));
  struct Row {
    const char* more;
    const char* problem;
  };
  const Row rows[] = {
      {", apiURL: ftp://x", "spec.heroku.apiURL: must start with 'https://' or 'http://', found 'ftp://x'"},
      {", apiURL: 'https://me:hunter2@x'",
       "spec.heroku.apiURL: must not hold a user name or password: credentials belong into a Secret"},
      {", apiURL: 'https://x?a=b'", "spec.heroku.apiURL: must not have a query or fragment, found 'https://x?a=b'"},
      {", apiURL: 'https://'",
       "spec.heroku.apiURL: must be 'https://host', 'https://host:port' or one of them with a "
       "path, found 'https://'"},
      {", apiURL: 'https://x:99999'",
       "spec.heroku.apiURL: must be 'https://host', 'https://host:port' or one of them with "
       "a path, found 'https://x:99999'"},
      {", requestsPerMinute: 0", "spec.heroku.requestsPerMinute: must be an integer from 1 to 600, found 0"},
      {", apiKey: hunter2",
       "spec.heroku.apiKey: is an unknown field, known are `apiKeySecretRef`, `requestsPerMinute`, "
       "`apiURL` and `metricsURL`"},
      {", metricsURL: 'https://x'",
       "spec.heroku.metricsURL: must not be set: this version does not read Heroku's metrics"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(absl::StrJoin(ProblemsOf(account(row.more)), "\n"), row.problem) << row.more;
  }
  EXPECT_THAT(
      ProblemsOf("apiVersion: ottoscale.dev/v1alpha1\nkind: CloudAccount\nmetadata: {name: h}\nspec: {type: "
                 "Rackspace, rackspace: {username: bob}}\n"),
      ElementsAre("spec.type: must be 'Heroku' in this version, found 'Rackspace', which is not supported yet"));
}

TEST(CheckManifest, KnowsNotificationChannelsAndSecrets) {
  const auto channel = [](absl::string_view spec) {
    return absl::StrCat("apiVersion: ottoscale.dev/v1alpha1\nkind: NotificationChannel\nmetadata: {name: c}\nspec: ",
                        spec);
  };
  EXPECT_THAT(ProblemsOf(channel("{type: Log, minIntervalSeconds: 0}")), IsEmpty());
  EXPECT_THAT(ProblemsOf(channel("{type: Email, email: {server: 'smtps://m:465', from: a@b, to: [c@d], "
                                 "passwordSecretRef: {name: s, key: k}}}")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(channel("{type: Webhook, webhook: {urlSecretRef: {name: s, key: k}, format: CloudEvents}}")),
              IsEmpty());
  EXPECT_THAT(ProblemsOf(channel("{type: Email, email: {server: 'https://m', from: a, to: []}}")),
              ElementsAre("spec.email.server: must be 'smtps://host:port' or 'smtp://host:port', found 'https://m'",
                          "spec.email.from: must be a mail address such as 'ops@example.org', found 'a'",
                          "spec.email.to: must have 1 to 20 items, found 0"));
  EXPECT_THAT(ProblemsOf(channel("{type: Slack, slack: {}}")),
              ElementsAre("spec.type: must be 'Log', 'Email' or 'Webhook' in this version, found 'Slack', which is not "
                          "supported yet"));
  EXPECT_THAT(ProblemsOf("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {apiKey: x}\n"), IsEmpty());
  EXPECT_THAT(ProblemsOf("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {apiKey: 5}\n"),
              ElementsAre("stringData.apiKey: must be a string, found 5: quote it"));
}

TEST(CheckManifest, ChecksKindAndMetadata) {
  struct Row {
    const char* text;
    const char* problem;
  };
  const Row rows[] = {
      {"5", "must be an object, found 5"},
      {"{apiVersion: ottoscale.dev/v1alpha1, kind: ScalingPolcy, metadata: {name: a}, spec: {}}",
       "kind: must be 'ScalingPolicy', 'CloudAccount', 'NotificationChannel' or 'Secret', found 'ScalingPolcy', did "
       "you "
       "mean 'ScalingPolicy'?"},
      {"{apiVersion: ottoscale.dev/v1, kind: CloudAccount, metadata: {name: a}, spec: {type: Heroku, heroku: "
       "{apiKeySecretRef: {name: a, key: b}}}}",
       "apiVersion: must be 'ottoscale.dev/v1alpha1', found 'ottoscale.dev/v1'"},
      {"{spec: {}}",
       "apiVersion: is required: 'ottoscale.dev/v1alpha1'\n"
       "kind: is required: ScalingPolicy, CloudAccount, NotificationChannel or Secret\n"
       "metadata: is required: set its `name`"},
      {"{apiVersion: v1, kind: Secret, metdata: {name: a}}", "metdata: is an unknown field, did you mean `metadata`?"},
      {"{apiVersion: v1, kind: Secret, metadata: {name: a, label: {a: b}}}",
       "metadata.label: is an unknown field, did you mean `labels`?"},
      {"{apiVersion: v1, kind: Secret, metadata: {}}", "metadata.name: is required"},
      {"{apiVersion: v1, kind: Secret, metadata: {generateName: a-}}", ""},
      {"{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: A, labels: {x: true}}}",
       "metadata.namespace: must be 1 to 63 lower case letters, digits or '-', with a letter or digit at both ends, "
       "found "
       "'A'\nmetadata.labels.x: must be a string, found true: quote it"},
      {"{apiVersion: ottoscale.dev/v1alpha1, kind: ScalingPolicy, metadata: {name: a}, spce: {}}",
       "spce: is an unknown field, did you mean `spec`?"},
  };
  for (const Row& row : rows) EXPECT_EQ(absl::StrJoin(ProblemsOf(row.text), "\n"), row.problem) << row.text;
}

TEST(CheckManifest, TellsTenMistakesAtOnceEachWithItsPlace) {
  const std::vector<std::string> problems =
      Validate("ten_mistakes.yaml", ReadFile("pkg/manifest/testdata/ten_mistakes.yaml"));
  EXPECT_THAT(problems, SizeIs(10));
  EXPECT_EQ(absl::StrCat(absl::StrJoin(problems, "\n"), "\n"), ReadFile("pkg/manifest/testdata/ten_mistakes.golden"));
}

TEST(CheckManifest, SurvivesAnyTree) {
  const nlohmann::json good =
      Json(PolicyText("  schedule: {windows: [{name: a, type: Weekly, weekly: {start: '09:00', end: "
                      "'17:00', days: [Monday]}, minCapacity: 1}]}\n  suspend: {scope: All}\n  "
                      "behavior: {scaleIn: {policies: []}}\n"));
  const nlohmann::json odd[] = {nullptr,
                                true,
                                -1,
                                1e300,
                                "x",
                                nlohmann::json::array(),
                                nlohmann::json::object(),
                                nlohmann::json::array({1, nullptr, "x"})};
  const nlohmann::json flat = good.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (nlohmann::json::json_pointer at(pointer); !at.empty(); at.pop_back()) {
      for (const nlohmann::json& other : odd) {
        nlohmann::json changed = good;
        changed[at] = other;
        CheckManifest(changed);
      }
    }
  }
  EXPECT_THAT(CheckManifest(good), IsEmpty());
}

}  // namespace
}  // namespace ottoscale::manifest
