#include "pkg/manifest/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/codec/json.h"

namespace ottoscale::manifest {
namespace {

using decision::PolicyStatus;

constexpr int64_t kNow = 1796083200;  // 2026-12-01T00:00:00Z

absl::Time At(int seconds, int micros = 0) {
  return absl::FromUnixSeconds(kNow + seconds) + absl::Microseconds(micros);
}

PolicyStatus Full() {
  PolicyStatus s;
  s.observed_generation = 4;
  s.target = "heroku/dancing-forest-1234/web";
  s.target_uid = "01234567/web";
  s.current_capacity = 2;
  s.target_capacity = 2;
  s.pending_capacity = 0;
  s.desired_capacity = 3;
  s.effective_bounds = policy::Limits{.min = 3, .max = 5, .min_from = "office-hours", .max_from = "", .conflict = true};
  s.metrics = {{.name = "heartbeat",
                .state = "AboveUpper",
                .value = 1240.5,
                .measured = 2481,
                .unit = "ms",
                .censored = true,
                .sampled_at = At(-1),
                .breaches = 3,
                .breaches_needed = 3,
                .message = "no answer in time"}};
  s.metric_summary = "heartbeat 1240/1000ms";
  s.decision = decision::DecisionStatus{
      .action = "ScaleOut",
      .from = 2,
      .to = 3,
      .time = At(0),
      .reason = "ThresholdBreached",
      .message = "2 → 3 dynos",
      .stages = {{.stage = "Strategy", .metric = "heartbeat", .in = 2, .out = 3, .code = "ThresholdBreached"}}};
  s.pending_change = decision::PendingChange{.from = 2, .to = 3, .cause = decision::Cause::kBounds, .time = At(0, 7)};
  s.last_applied = decision::AppliedStatus{.capacity = 2, .time = At(-60, 123456)};
  s.last_scale_out_time = At(-60, 1);
  s.last_scale_in_time = At(-600, 999999);
  s.next_scale_time = At(300);
  s.history = {
      {.time = At(-60), .from = 1, .to = 2, .result = "Applied", .reason = "ThresholdBreached", .message = "m"}};
  s.conditions = {{.type = "Ready",
                   .status = "True",
                   .reason = "Reconciled",
                   .message = "all is well",
                   .observed_generation = 4,
                   .last_transition = At(-900)}};
  return s;
}

TEST(EncodeStatus, SaysWhatTheApiSays) {
  EXPECT_EQ(codec::DumpIndented(EncodeStatus(Full())), R"({
  "conditions": [
    {
      "lastTransitionTime": "2026-11-30T23:45:00Z",
      "message": "all is well",
      "observedGeneration": 4,
      "reason": "Reconciled",
      "status": "True",
      "type": "Ready"
    }
  ],
  "currentCapacity": 2,
  "decision": {
    "action": "ScaleOut",
    "from": 2,
    "message": "2 → 3 dynos",
    "reason": "ThresholdBreached",
    "stages": [
      {
        "code": "ThresholdBreached",
        "in": 2,
        "metric": "heartbeat",
        "out": 3,
        "stage": "Strategy"
      }
    ],
    "time": "2026-12-01T00:00:00Z",
    "to": 3
  },
  "desiredCapacity": 3,
  "effectiveBounds": {
    "conflict": true,
    "max": 5,
    "min": 3,
    "minFrom": "office-hours"
  },
  "history": [
    {
      "from": 1,
      "message": "m",
      "reason": "ThresholdBreached",
      "result": "Applied",
      "time": "2026-11-30T23:59:00Z",
      "to": 2
    }
  ],
  "lastApplied": {
    "capacity": 2,
    "time": "2026-11-30T23:59:00.123456Z"
  },
  "lastScaleInTime": "2026-11-30T23:50:00.999999Z",
  "lastScaleOutTime": "2026-11-30T23:59:00.000001Z",
  "metricSummary": "heartbeat 1240/1000ms",
  "metrics": [
    {
      "breaches": 3,
      "breachesNeeded": 3,
      "censored": true,
      "measured": 2481,
      "message": "no answer in time",
      "name": "heartbeat",
      "sampledAt": "2026-11-30T23:59:59Z",
      "state": "AboveUpper",
      "unit": "ms",
      "value": 1240.5
    }
  ],
  "nextScaleTime": "2026-12-01T00:05:00Z",
  "observedGeneration": 4,
  "pendingCapacity": 0,
  "pendingChange": {
    "cause": "Bounds",
    "from": 2,
    "time": "2026-12-01T00:00:00.000007Z",
    "to": 3
  },
  "target": "heroku/dancing-forest-1234/web",
  "targetCapacity": 2,
  "targetUID": "01234567/web"
})");
}

TEST(EncodeStatus, LeavesOutWhatIsUnknown) {
  EXPECT_EQ(codec::Dump(EncodeStatus({})), R"({"observedGeneration":0})");
  PolicyStatus s;
  s.next_scale_time = absl::InfiniteFuture();
  s.metrics = {{.name = "m", .state = "Missing", .value = std::numeric_limits<double>::infinity()}};
  EXPECT_EQ(codec::Dump(EncodeStatus(s)),
            R"({"metrics":[{"breaches":0,"breachesNeeded":0,"name":"m","state":"Missing"}],)"
            R"("observedGeneration":0})");
}

TEST(EncodeStatus, KeepsThreeDecimalsOfAValue) {
  PolicyStatus s;
  s.metrics = {{.name = "a", .state = "", .value = 1240.00004}, {.name = "b", .state = "", .value = 0.1234567}};
  const nlohmann::json json = EncodeStatus(s);
  EXPECT_EQ(codec::Dump(json.at("metrics").at(0).at("value")), "1240");
  EXPECT_EQ(codec::Dump(json.at("metrics").at(1).at("value")), "0.123");
}

TEST(DecodeStatus, GivesBackWhatWasEncoded) {
  EXPECT_EQ(DecodeStatus(EncodeStatus(Full())), Full());
  EXPECT_EQ(DecodeStatus(EncodeStatus({})), PolicyStatus());
}

TEST(DecodeStatus, TakesHalfAnIntentForNone) {
  for (const char* key : {"from", "to", "time"}) {
    nlohmann::json json = EncodeStatus(Full());
    json.at("pendingChange").erase(key);
    EXPECT_EQ(DecodeStatus(json).pending_change, std::nullopt) << key;
  }
  nlohmann::json json = EncodeStatus(Full());
  json.at("lastApplied")["capacity"] = 5e9;
  EXPECT_EQ(DecodeStatus(json).last_applied, std::nullopt);
}

TEST(DecodeStatus, SurvivesAnyTree) {
  const nlohmann::json odd[] = {
      nullptr, true, -1, 1e300, "x", nlohmann::json::array({1, nullptr}), nlohmann::json::object()};
  const nlohmann::json good = EncodeStatus(Full());
  for (const nlohmann::json& other : odd) {
    DecodeStatus(other);
    for (const auto& [key, value] : good.items()) {
      nlohmann::json changed = good;
      changed[key] = other;
      const PolicyStatus decoded = DecodeStatus(changed);
      EXPECT_LE(decoded.history.size(), PolicyStatus::kMaxHistory);
    }
  }
}

}  // namespace
}  // namespace ottoscale::manifest
