#include "pkg/reconcile/probe_health.h"

#include <gtest/gtest.h>

namespace ottoscale::reconcile {
namespace {

using decision::MissingReason;
using decision::SampleState;

struct Probes {
  ProbeHealth health;
  async::BootTime now{absl::Hours(1)};

  void Report(int host, MissingReason missing, const char* type = "HTTPHeartbeat") {
    const policy::ProviderConfig source{
        .type = type, .json = absl::StrCat(R"({"url":"https://shop-)", host, R"(.example/heartbeat/"})")};
    const bool missed = missing != MissingReason::kNone;
    health.Report(source, {.state = missed ? SampleState::kMissing : SampleState::kValid, .missing = missing}, now);
  }
};

TEST(ProbeHealth, SuspectsTheOperatorWhenMostHostsAndAtLeastThreeCannotBeAsked) {
  Probes probes;
  EXPECT_FALSE(probes.health.Suspect(probes.now));
  for (int host = 0; host < 3; ++host) {
    EXPECT_FALSE(probes.health.Suspect(probes.now)) << host;
    probes.Report(host, MissingReason::kProbeFailed);
  }
  EXPECT_TRUE(probes.health.Suspect(probes.now));
  for (int host = 3; host < 5; ++host) probes.Report(host, MissingReason::kNone);
  EXPECT_TRUE(probes.health.Suspect(probes.now)) << "3 of 5";
  probes.Report(5, MissingReason::kNone);
  EXPECT_FALSE(probes.health.Suspect(probes.now)) << "half of them answer";
}

TEST(ProbeHealth, CountsHostsAndNotPolicies) {
  Probes probes;
  for (int i = 0; i < 9; ++i) probes.Report(1, MissingReason::kProbeFailed);
  EXPECT_FALSE(probes.health.Suspect(probes.now));
}

TEST(ProbeHealth, TakesWhatAHostSaysAsAnAnswer) {
  for (const MissingReason answer : {MissingReason::kTimeout, MissingReason::kServerError,
                                     MissingReason::kUnexpectedAnswer, MissingReason::kNotRead}) {
    Probes probes;
    for (int host = 0; host < 5; ++host) probes.Report(host, answer);
    EXPECT_FALSE(probes.health.Suspect(probes.now)) << decision::MissingReasonName(answer);
  }
  Probes probes;
  for (int host = 0; host < 5; ++host) probes.Report(host, MissingReason::kProbeFailed, "Requests");
  EXPECT_FALSE(probes.health.Suspect(probes.now)) << "other sources have their own ways";
}

TEST(ProbeHealth, RecoversAndForgetsHostsThatNobodyAsksAnyMore) {
  Probes probes;
  for (int host = 0; host < 4; ++host) probes.Report(host, MissingReason::kProbeFailed);
  for (int host = 0; host < 3; ++host) probes.Report(host, MissingReason::kNone);
  EXPECT_FALSE(probes.health.Suspect(probes.now));
  for (int host = 0; host < 3; ++host) probes.Report(host, MissingReason::kProbeFailed);
  EXPECT_TRUE(probes.health.Suspect(probes.now));
  probes.now = probes.now + absl::Seconds(121);
  EXPECT_FALSE(probes.health.Suspect(probes.now));
}

}  // namespace
}  // namespace ottoscale::reconcile
