#include "operator/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"

namespace ottoscale::operator_main {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json Policy() {
  return json::parse(R"({
    "metadata": {"name": "shop-web", "namespace": "shop", "generation": 4},
    "spec": {"mode": "Recommend"},
    "status": {
      "observedGeneration": 4, "target": "heroku/dancing-forest-1234/web",
      "currentCapacity": 2, "targetCapacity": 2, "desiredCapacity": 3,
      "effectiveBounds": {"min": 1, "max": 5, "maxFrom": "office-hours"},
      "metrics": [{"name": "heartbeat", "state": "AboveUpper", "value": 1240.5, "measured": 2481, "unit": "ms", "breaches": 3,
                   "breachesNeeded": 3, "sampledAt": "2026-12-01T09:00:00Z"},
                  {"name": "second", "state": "Missing", "message": "no answer: connection refused"}],
      "decision": {"action": "WouldScaleOut", "from": 2, "to": 3, "time": "2026-12-01T09:00:01Z",
                   "reason": "ThresholdBreached", "message": "heartbeat 1240.5 ms is above 1000 ms",
                   "stages": [{"stage": "Strategy", "metric": "heartbeat", "in": 2, "out": 3,
                               "code": "ThresholdBreached"},
                              {"stage": "Combine", "in": 3, "out": 3, "code": "ThresholdBreached"},
                              {"stage": "Novelty", "in": 3, "out": 3, "code": "SomethingNew"}]},
      "nextScaleTime": "2026-12-01T09:05:00Z",
      "history": [{"time": "2026-12-01T08:00:00Z", "from": 1, "to": 2, "result": "Applied", "reason": "BelowMinCapacity"},
                  {"time": "2026-12-01T08:30:00Z", "from": 2, "to": 9, "result": "Refused", "reason": "ThresholdBreached",
                   "message": "422"}],
      "conditions": [
        {"type": "Ready", "status": "True", "reason": "Reconciled", "message": "all is well"},
        {"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange", "message": ""},
        {"type": "AbleToScale", "status": "False", "reason": "Cooldown", "message": "until 09:05"},
        {"type": "Suspended", "status": "True", "reason": "Suspended", "message": "load test"}]}})");
}

std::string Words(const json& policy) { return absl::StrJoin(ExplainInWords(policy), "\n"); }

TEST(ExplainInWords, SaysWhatIsWantedWhyAndStageByStage) {
  EXPECT_EQ(Words(Policy()), R"(shop/shop-web: heroku/dancing-forest-1234/web, Recommend
  2 ready of 2, 3 wanted, bounds 1 to 5 (office-hours)

WouldScaleOut 2 → 3: ThresholdBreached, 2026-12-01T09:00:01Z
  heartbeat 1240.5 ms is above 1000 ms
  What holds it back ends at 2026-12-01T09:05:00Z.

Metrics
  heartbeat  1240.5 ms  from 2481 ms  AboveUpper  3 of 3 in a row  measured 2026-12-01T09:00:00Z
  second     ?                        Missing                                                     no answer: connection refused

Stage by stage
  Strategy  heartbeat  2 → 3  ThresholdBreached  what the metric asks for
  Combine              3      ThresholdBreached  what all metrics ask for together
  Novelty              3      SomethingNew

What would change it cannot be told: the status has no memory of what was decided upon: it comes from an older operator, the CRDs in the cluster are older than the operator, or it was larger than they allow.

To know
  AbleToScale=False  Cooldown   until 09:05
  Suspended=True     Suspended  load test

Last changes
  2026-12-01T08:30:00Z  2 → 9  Refused  ThresholdBreached  422
  2026-12-01T08:00:00Z  1 → 2  Applied  BelowMinCapacity)");
}

TEST(ExplainInWords, SaysThatTheSpecHasChangedSince) {
  json policy = Policy();
  EXPECT_THAT(Words(policy), Not(HasSubstr("has changed since")));
  policy["metadata"]["generation"] = 5;
  EXPECT_THAT(Words(policy), HasSubstr("The spec has changed since"));
}

TEST(ExplainInWords, KnowsAPolicyThatNobodyHasSeen) {
  EXPECT_EQ(Words(json::parse(R"({"metadata": {"name": "a", "namespace": "b"}, "spec": {}})")),
            "b/a: the target was not read yet, Enforce\n\n"
            "Nothing was decided yet: is an Ottoscale running that watches this namespace?");
}

TEST(ExplainInWords, LetsNothingThroughToTheTerminal) {
  json policy = Policy();
  policy["status"]["decision"]["message"] = "\x1b[2Jgone";
  policy["status"]["metrics"][0]["name"] = "a\x1b]0;b";
  policy["status"]["target"] = "\x1b[31mred";
  EXPECT_THAT(Words(policy), Not(HasSubstr("\x1b")));
}

TEST(ExplainInWords, SurvivesAnyStatus) {
  for (const json& odd : {json(), json(5), json::array({1}), json("x"), json::object({{"decision", 7}})}) {
    json policy = Policy();
    policy["status"] = odd;
    EXPECT_THAT(Words(policy), HasSubstr("Nothing was decided yet"));
    for (const char* key : {"decision", "metrics", "history", "conditions", "effectiveBounds"}) {
      policy = Policy();
      policy["status"][key] = odd;
      ExplainInWords(policy);
      ExplainAsJson(policy);
    }
  }
}

TEST(ExplainAsJson, HasWhatTheStatusHas) {
  const json policy = Policy();
  const json out = ExplainAsJson(policy);
  EXPECT_EQ(out.at("name"), "shop-web");
  EXPECT_EQ(out.at("namespace"), "shop");
  EXPECT_EQ(out.at("mode"), "Recommend");
  EXPECT_EQ(out.at("current"), true);
  for (const char* key : {"decision", "metrics", "history", "conditions", "target"}) {
    EXPECT_EQ(out.at(key), policy.at("status").at(key)) << key;
  }
  EXPECT_FALSE(out.contains("spec"));
}

}  // namespace
}  // namespace ottoscale::operator_main
