#include "operator/what_if.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "operator/explanation.h"
#include "pkg/decision/small_world.h"
#include "pkg/manifest/manifest.h"
#include "pkg/manifest/memory.h"

namespace ottoscale::operator_main {
namespace {

using decision::Memory;
using decision::Outcome;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json SpecOf(const std::string& strategy, const std::string& more) {
  return json::parse(R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy",
    "metadata": {"name": "shop-web", "namespace": "shop", "generation": 4},
    "spec": {"maxCapacity": 6, "pollPeriodSeconds": 30,
      "target": {"type": "HerokuFormation", "herokuFormation": {"accountRef": {"name": "heroku"}, "app": "shop"}},
      "metrics": [{"name": "heartbeat", "source": {"type": "HTTPHeartbeat", "httpHeartbeat": {"url": "https://a.example/"}},
                   "strategy": )" +
                     strategy + "}]" + more + "}}");
}

// The object as the operator would leave it behind after these readings, a poll apart.
json PolicyAfter(json policy, const std::vector<double>& readings) {
  decision::SmallWorld world;
  world.spec = *manifest::DecodeScalingPolicy(policy).value;
  world.now.boot = {absl::Hours(500)};
  decision::PolicyStatus status;
  for (const double reading : readings) {
    const Memory memory{.situation = {.history = world.history,
                                      .seen = world.Seen({decision::Valid(reading, world.now)}),
                                      .now = world.now}};
    const Outcome outcome = world.Beat(reading);
    status = decision::StatusFor(world.spec, 4, world.history, outcome, &status);
    status.memory = std::make_shared<Memory>(memory);
  }
  policy["status"] = manifest::EncodeStatus(status);
  return policy;
}

const char kThreshold[] = R"({"type": "Threshold", "threshold": {"lower": 200, "upper": 1000}})";

std::string Words(const json& policy, std::optional<int> why_not = std::nullopt) {
  return absl::StrJoin(ExplainInWords(policy, why_not), "\n");
}

TEST(WhatIf, SaysWhichReadingsAndWhichTimeWouldChangeIt) {
  EXPECT_THAT(Words(PolicyAfter(SpecOf(kThreshold, ""), {640})), HasSubstr(R"(
What would change it, as of 2026-03-02T12:00:00Z
  heartbeat  at 1000.1 ms  instead of 640 ms  2 → 3  ThresholdBreached  when read again for 60 s
  heartbeat  at 199.9 ms   instead of 640 ms  2 → 1  ThresholdBreached  when read again for 7 min
  No time alone: the same readings would go on giving the same.)"));
  EXPECT_THAT(Words(PolicyAfter(SpecOf(kThreshold, ""), {1240, 1240})), HasSubstr(R"(
What would change it, as of 2026-03-02T12:00:30Z
  No other reading of a single metric.
  The same readings in 30 s, at 2026-03-02T12:01:00Z: 2 → 3, ThresholdBreached)"));
}

TEST(WhatIf, SaysWhatAnotherReadingWouldCountAs) {
  const char tracking[] = R"({"type": "TargetTracking", "targetTracking": {"target": 400}}, "basis": "PerInstance")";
  EXPECT_THAT(
      Words(PolicyAfter(SpecOf(tracking, ""), {800})),
      HasSubstr("heartbeat  at 880.1 ms  instead of 800 ms  which counts as 440.05 ms  2 → 3  OffTarget  at once"));
}

TEST(WhatIf, AnswersWhyNotFour) {
  const char once[] =
      R"({"type": "Threshold", "threshold": {"lower": 200, "upper": 1000, "breachesToScaleOut": 1, "stepOut": 2}})";
  const json limited = SpecOf(once, R"(, "behavior": {"scaleOut": {"cooldownSeconds": 300}})");
  const std::string words = Words(PolicyAfter(limited, {1240, 1240, 1240}), 6);
  EXPECT_THAT(words, HasSubstr("Why not 6\n  The metrics ask for 6.\n  Cooldown led away from it: "));
  EXPECT_THAT(words, HasSubstr("(Cooldown)\n  heartbeat: no reading of it alone\n"
                               "  The same readings would give it in 4 min, at 2026-03-02T12:05:00Z\n"
                               "  With every reading as high as can be the metrics ask for 6, and 4 is decided: "
                               "Cooldown says Cooldown"));
  EXPECT_THAT(Words(PolicyAfter(limited, {1240, 1240}), 6),
              HasSubstr("Why not 6\n  The metrics ask for 4 (Settling).\n"));
  EXPECT_THAT(Words(PolicyAfter(limited, {640}), 4),
              HasSubstr("Why not 4\n  The metrics ask for 2 (WithinThresholds).\n"
                        "  heartbeat at 1000.1 ms would give 4, at once"));
  EXPECT_THAT(
      Words(PolicyAfter(limited, {640}), 3),
      HasSubstr("heartbeat: none; 1000.1 ms would give 4, at once\n"
                "  With every reading as high as can be the metrics ask for 4, and 4 is decided: ThresholdBreached"));
  EXPECT_THAT(Words(PolicyAfter(limited, {640}), 2), HasSubstr("Why not 2\n  That is what was decided."));
  EXPECT_THAT(Words(PolicyAfter(limited, {640}), 7),
              HasSubstr("Why not 7\n  It is outside the bounds, which are 1 to 6.\n  The metrics ask for 2 "));
  EXPECT_THAT(Words(PolicyAfter(limited, {640}), 0), HasSubstr("Why not 0\n  It is outside the bounds"));
  EXPECT_THAT(Words(PolicyAfter(limited, {640}), 6), Not(HasSubstr("outside the bounds")));
  EXPECT_THAT(Words(PolicyAfter(limited, {640}), 1), Not(HasSubstr("outside the bounds")));
}

TEST(WhatIf, SaysTheSameForPrograms) {
  const json out = ExplainAsJson(PolicyAfter(SpecOf(kThreshold, ""), {1240, 1240, 640}), 3);
  const json& found = out.at("counterfactual");
  EXPECT_EQ(found.at("asOf"), "2026-03-02T12:01:00Z");
  EXPECT_FALSE(found.contains("later"));
  const json& metric = found.at("metrics").at(0);
  EXPECT_EQ(metric.at("measured"), 640);
  EXPECT_EQ(metric.at("above"),
            json::parse(R"({"atOnce": {"value": 1000.1, "to": 3, "reason": "ThresholdBreached"}})"));
  EXPECT_EQ(out.at("whyNot").at("capacity"), 3);
  EXPECT_EQ(out.at("whyNot").at("asked"), 2);
  EXPECT_EQ(out.at("whyNot").at("bounds"), json::parse(R"({"min": 1, "max": 6})"));
  EXPECT_EQ(out.at("whyNot").at("metrics").at(0).at("nearest").at("value"), 1000.1);
  EXPECT_EQ(out.at("whyNot").at("utmost"), json::parse(R"({"asked": 3, "to": 3, "reason": "ThresholdBreached"})"));
}

TEST(WhatIf, ClaimsNothingThatItCannotAskAgain) {
  const json good = PolicyAfter(SpecOf(kThreshold, ""), {640});
  struct Row {
    const char* why;
    std::function<void(json&)> spoil;
  };
  for (const Row& row : std::vector<Row>{
           {"the spec has changed since the decision", [](json& policy) { policy["metadata"]["generation"] = 5; }},
           {"an older operator", [](json& policy) { policy["status"].erase("memory"); }},
           {"the spec is invalid", [](json& policy) { policy["spec"].erase("metrics"); }},
           {"decides otherwise", [](json& policy) { policy["status"]["decision"]["to"] = 5; }},
           {"decides otherwise", [](json& policy) { policy["status"]["memory"] = R"({"at": 7})"; }}}) {
    json policy = good;
    row.spoil(policy);
    EXPECT_THAT(Words(policy), HasSubstr("What would change it cannot be told: ")) << row.why;
    EXPECT_THAT(Words(policy), HasSubstr(row.why));
    EXPECT_THAT(ExplainAsJson(policy).at("counterfactual").at("unknown"), HasSubstr(row.why));
  }
  EXPECT_THAT(Words(good), Not(HasSubstr("cannot be told")));
}

}  // namespace
}  // namespace ottoscale::operator_main
