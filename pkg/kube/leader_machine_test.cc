#include "pkg/kube/leader_machine.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::kube {
namespace {

using nlohmann::json;

// A second of the test: both clocks begin at 1000.
async::Instant At(double seconds) {
  return {absl::FromUnixSeconds(0) + absl::Seconds(1000 + seconds), {absl::Seconds(1000 + seconds)}};
}
async::BootTime Boot(double seconds) { return At(seconds).boot; }

json LeaseOf(const std::string& holder, int version, int duration = 15, int transitions = 3) {
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata",
           {{"namespace", "ops"},
            {"name", "ottoscale"},
            {"resourceVersion", absl::StrCat(version)},
            {"labels", {{"a", "b"}}}}},
          {"spec",
           {{"holderIdentity", holder},
            {"leaseDurationSeconds", duration},
            {"leaseTransitions", transitions},
            {"acquireTime", "2026-01-01T00:00:00.000000Z"},
            {"renewTime", absl::StrCat("2026-01-01T00:00:", version % 60 < 10 ? "0" : "", version % 60, ".000000Z")},
            {"strategy", "kept"}}}};
}

// What was to be written, with the version that the server gives it.
json Stored(const LeaderAction& action, int version) {
  const auto* create = std::get_if<CreateLease>(&action);
  json lease = create != nullptr ? create->lease : std::get<UpdateLease>(action).lease;
  lease["metadata"]["resourceVersion"] = absl::StrCat(version);
  return lease;
}

const char* Name(const LeaderAction& action) {
  static constexpr const char* kNames[] = {"Read", "Create", "Update", "Pause", "Won", "Lost", "Released"};
  return kNames[action.index()];
}
std::string Why(const LeaderAction& action) {
  const auto* lost = std::get_if<Lost>(&action);
  return lost == nullptr ? "not lost" : lost->why;
}
json SpecOf(const LeaderAction& action) { return Stored(action, 0)["spec"]; }

LeaderElectionOptions Options(const std::string& identity = "me") { return {.ns = "ops", .identity = identity}; }
const LeaseFailed kFailed{absl::UnavailableError("no answer")};

class Machine : public testing::Test {
 protected:
  // Leads since second 0; the last version is 1.
  void Lead() {
    EXPECT_STREQ(Name(machine.Acquire(At(0))), "Read");
    const LeaderAction create = machine.Next(LeaseMissing{}, At(0));
    EXPECT_STREQ(Name(machine.Next(LeaseWritten{Stored(create, 1)}, At(0.1))), "Won");
  }
  LeaderAction Renew(double at) {
    EXPECT_STREQ(Name(machine.Renew(At(at))), "Pause");
    return machine.Next(Paused{}, At(at + 2));
  }
  LeaderMachine machine{Options()};
};

TEST_F(Machine, CreatesTheLeaseThatIsMissing) {
  EXPECT_EQ(machine.Acquire(At(0)), LeaderAction(ReadLease{}));
  const LeaderAction create = machine.Next(LeaseMissing{}, At(1));
  const json expected = {{"apiVersion", "coordination.k8s.io/v1"},
                         {"kind", "Lease"},
                         {"metadata", {{"namespace", "ops"}, {"name", "ottoscale"}}},
                         {"spec",
                          {{"holderIdentity", "me"},
                           {"leaseDurationSeconds", 15},
                           {"acquireTime", "1970-01-01T00:16:41.000000Z"},
                           {"renewTime", "1970-01-01T00:16:41.000000Z"},
                           {"leaseTransitions", 0}}}};
  EXPECT_EQ(create, LeaderAction(CreateLease{expected}));
  EXPECT_EQ(machine.Next(LeaseWritten{Stored(create, 1)}, At(3)), LeaderAction(Won{}));
  EXPECT_EQ(machine.leading_until(), Boot(11)) << "counted from the start of the write, not from its answer";
  EXPECT_EQ(machine.holder(), "me");
}

TEST_F(Machine, IsNotWonWhenTheCreationFails) {
  machine.Acquire(At(0));
  machine.Next(LeaseMissing{}, At(0));
  EXPECT_EQ(machine.Next(kFailed, At(5)), LeaderAction(PauseTries{Boot(6), Boot(6.8)}));
  EXPECT_LE(machine.leading_until(), Boot(0));
  EXPECT_STREQ(Name(machine.Next(Paused{}, At(6))), "Read");
}

TEST_F(Machine, TakesAFreeLeaseAndKeepsWhatIsNotItsOwn) {
  machine.Acquire(At(0));
  const LeaderAction update = machine.Next(LeaseRead{LeaseOf("", 7, 1)}, At(1));
  ASSERT_STREQ(Name(update), "Update");
  const json lease = std::get<UpdateLease>(update).lease;
  EXPECT_EQ(lease["metadata"], LeaseOf("", 7)["metadata"]) << "the version that was read is the precondition";
  const json spec = {{"holderIdentity", "me"},
                     {"leaseDurationSeconds", 15},
                     {"leaseTransitions", 4},
                     {"acquireTime", "1970-01-01T00:16:41.000000Z"},
                     {"renewTime", "1970-01-01T00:16:41.000000Z"},
                     {"strategy", "kept"}};
  EXPECT_EQ(lease["spec"], spec);
  EXPECT_STREQ(Name(machine.Next(LeaseWritten{Stored(update, 8)}, At(1.5))), "Won");
  EXPECT_EQ(machine.leading_until(), Boot(11));
  EXPECT_EQ(machine.transitions(), 4);
}

TEST_F(Machine, WaitsForAnotherHolderAsLongAsItsRecordStandsStill) {
  machine.Acquire(At(0));
  EXPECT_EQ(machine.Next(LeaseRead{LeaseOf("other", 1)}, At(0)), LeaderAction(PauseTries{Boot(1), Boot(1.8)}));
  machine.Next(Paused{}, At(1));
  machine.Next(LeaseRead{LeaseOf("other", 2)}, At(1));  // renewed: the time counts from here
  machine.Next(Paused{}, At(2));
  machine.Next(LeaseRead{LeaseOf("other", 2)}, At(2));
  machine.Next(Paused{}, At(15.5));
  const LeaderAction pause = machine.Next(LeaseRead{LeaseOf("other", 2)}, At(15.5));
  EXPECT_EQ(pause, LeaderAction(PauseTries{Boot(16), Boot(16.2)})) << "no longer than the record is valid";
  machine.Next(Paused{}, At(15.9999));
  EXPECT_STREQ(Name(machine.Next(LeaseRead{LeaseOf("other", 2)}, At(15.9999))), "Pause");
  machine.Next(Paused{}, At(16));
  const LeaderAction update = machine.Next(LeaseRead{LeaseOf("other", 2)}, At(16));
  EXPECT_STREQ(Name(update), "Update");
  EXPECT_EQ(SpecOf(update)["holderIdentity"], "me");
}

TEST_F(Machine, CountsWithTheDurationOfTheRecordAndNotItsOwn) {
  for (const int seconds : {1, 15, 60}) {
    LeaderMachine follower(Options());
    follower.Acquire(At(0));
    follower.Next(LeaseRead{LeaseOf("other", 1, seconds)}, At(0));
    follower.Next(Paused{}, At(seconds - 0.1));
    EXPECT_STREQ(Name(follower.Next(LeaseRead{LeaseOf("other", 1, seconds)}, At(seconds - 0.1))), "Pause") << seconds;
    follower.Next(Paused{}, At(seconds));
    EXPECT_STREQ(Name(follower.Next(LeaseRead{LeaseOf("other", 1, seconds)}, At(seconds))), "Update") << seconds;
  }
}

TEST_F(Machine, TakesARecordWithoutADurationForOneWithItsOwn) {
  json lease = LeaseOf("other", 1);
  lease["spec"].erase("leaseDurationSeconds");
  machine.Acquire(At(0));
  machine.Next(LeaseRead{lease}, At(0));
  machine.Next(Paused{}, At(14));
  EXPECT_STREQ(Name(machine.Next(LeaseRead{lease}, At(14))), "Pause");
  machine.Next(Paused{}, At(15));
  EXPECT_STREQ(Name(machine.Next(LeaseRead{lease}, At(15))), "Update");
}

TEST_F(Machine, IgnoresWhatIsNotTheRecord) {
  machine.Acquire(At(0));
  json lease = LeaseOf("other", 1);
  machine.Next(LeaseRead{lease}, At(0));
  machine.Next(Paused{}, At(15));
  lease["metadata"]["annotations"]["someone"] = "was here";
  lease["metadata"]["resourceVersion"] = "9";
  const LeaderAction update = machine.Next(LeaseRead{lease}, At(15));
  ASSERT_STREQ(Name(update), "Update");
  EXPECT_EQ(Stored(update, 9)["metadata"], lease["metadata"]);
}

TEST_F(Machine, WaitsOutTheRecordOfALeaseThatDisappears) {
  machine.Acquire(At(0));
  machine.Next(LeaseRead{LeaseOf("other", 1)}, At(0));
  machine.Next(Paused{}, At(10));
  EXPECT_STREQ(Name(machine.Next(LeaseMissing{}, At(10))), "Pause") << "its holder may not have noticed";
  machine.Next(Paused{}, At(24));
  EXPECT_STREQ(Name(machine.Next(LeaseMissing{}, At(24))), "Pause");
  machine.Next(Paused{}, At(25));
  EXPECT_STREQ(Name(machine.Next(LeaseMissing{}, At(25))), "Create");
}

TEST_F(Machine, RenewsWithoutReading) {
  Lead();
  EXPECT_EQ(machine.Renew(At(0.1)), LeaderAction(PauseTries{Boot(2), Boot(2)}));
  const LeaderAction update = machine.Next(Paused{}, At(2.5));
  ASSERT_STREQ(Name(update), "Update");
  EXPECT_EQ(Stored(update, 1)["metadata"]["resourceVersion"], "1");
  EXPECT_EQ(SpecOf(update)["renewTime"], "1970-01-01T00:16:42.500000Z");
  EXPECT_EQ(SpecOf(update)["acquireTime"], "1970-01-01T00:16:40.000000Z");
  EXPECT_EQ(SpecOf(update)["leaseTransitions"], 0);
  EXPECT_EQ(machine.Next(LeaseWritten{Stored(update, 2)}, At(6)), LeaderAction(PauseTries{Boot(6), Boot(6)}))
      << "the period counts from the start of the try, which was slow";
  EXPECT_EQ(machine.leading_until(), Boot(12.5)) << "a slow answer does not lengthen it";
  EXPECT_EQ(machine.slow_paths(), 0u);
}

TEST_F(Machine, ReadsAfterARenewalThatFailed) {
  Lead();
  Renew(0.1);
  EXPECT_STREQ(Name(machine.Next(LeaseFailed{absl::AbortedError("conflict")}, At(2.1))), "Read");
  EXPECT_EQ(machine.slow_paths(), 1u);
  // The answer was lost, the write was not.
  const LeaderAction update = machine.Next(LeaseRead{LeaseOf("me", 2)}, At(2.2));
  ASSERT_STREQ(Name(update), "Update");
  EXPECT_EQ(SpecOf(update)["leaseTransitions"], 3);
  EXPECT_EQ(SpecOf(update)["acquireTime"], "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(machine.leading_until(), Boot(10)) << "reading renews nothing";
  EXPECT_STREQ(Name(machine.Next(LeaseWritten{Stored(update, 3)}, At(2.3))), "Pause");
  EXPECT_EQ(machine.leading_until(), Boot(12.2));
}

TEST_F(Machine, LosesItsLeaseAtOnceWhenItIsAnothers) {
  for (const auto& [holder, why] :
       {std::pair("other", "it is held by other"), std::pair("", "somebody has taken our name out of it")}) {
    LeaderMachine leader(Options());
    leader.Acquire(At(0));
    leader.Next(LeaseWritten{Stored(leader.Next(LeaseMissing{}, At(0)), 1)}, At(0));
    leader.Renew(At(0));
    leader.Next(Paused{}, At(2));
    leader.Next(kFailed, At(2));
    const LeaderAction lost = leader.Next(LeaseRead{LeaseOf(holder, 5)}, At(3));
    EXPECT_EQ(Why(lost), why);
    EXPECT_LE(leader.leading_until(), Boot(0));
  }
}

TEST_F(Machine, MakesItsLeaseAgainWhenSomebodyDeletesIt) {
  Lead();
  Renew(0.1);
  machine.Next(kFailed, At(2));
  const LeaderAction create = machine.Next(LeaseMissing{}, At(2.5));
  ASSERT_STREQ(Name(create), "Create");
  EXPECT_STREQ(Name(machine.Next(LeaseWritten{Stored(create, 9)}, At(3))), "Pause");
  EXPECT_EQ(machine.leading_until(), Boot(12.5));
}

TEST_F(Machine, TriesEveryRetryPeriodUntilTheRenewDeadline) {
  Lead();
  LeaderAction next = machine.Renew(At(0.1));
  std::vector<double> tries;
  double at = 0;
  while (const auto* pause = std::get_if<PauseTries>(&next)) {
    at = absl::ToDoubleSeconds(pause->least.since_boot) - 1000;
    next = machine.Next(Paused{}, At(at));
    if (std::holds_alternative<Lost>(next)) break;
    tries.push_back(at);
    if (std::holds_alternative<UpdateLease>(next)) next = machine.Next(kFailed, At(at));
    next = machine.Next(kFailed, At(at));
  }
  EXPECT_EQ(tries, (std::vector<double>{2, 4, 6, 8}));
  EXPECT_EQ(Why(next), "it could not be renewed within 10s");
  EXPECT_DOUBLE_EQ(at, 10);
}

TEST_F(Machine, HasLostItsLeaseWhenItWakesTooLate) {
  // In whatever it was when the process was stopped for 20 seconds.
  Lead();
  machine.Renew(At(0.1));
  EXPECT_EQ(Why(machine.Next(Paused{}, At(20))), "it could not be renewed within 10s") << "pausing";
  for (const int step : {0, 1}) {
    LeaderMachine leader(Options());
    leader.Acquire(At(0));
    leader.Next(LeaseWritten{Stored(leader.Next(LeaseMissing{}, At(0)), 1)}, At(0));
    leader.Renew(At(0));
    const LeaderAction update = leader.Next(Paused{}, At(2));
    const LeaderAction next =
        step == 0 ? leader.Next(LeaseWritten{Stored(update, 2)}, At(22)) : leader.Next(kFailed, At(22));
    EXPECT_EQ(Why(next), "it could not be renewed within 10s") << "writing";
    EXPECT_LE(leader.leading_until(), Boot(0));
  }
}

TEST_F(Machine, HasNotWonWhenTheAnswerTookTooLong) {
  machine.Acquire(At(0));
  const LeaderAction create = machine.Next(LeaseMissing{}, At(0));
  EXPECT_STREQ(Name(machine.Next(LeaseWritten{Stored(create, 1)}, At(10))), "Pause");
  EXPECT_LE(machine.leading_until(), Boot(0));
  EXPECT_STREQ(Name(machine.Next(Paused{}, At(11))), "Update") << "it is ours all the same: the fast path";
}

TEST_F(Machine, GivesTheLeaseAway) {
  Lead();
  const LeaderAction update = machine.Release(At(5));
  EXPECT_LE(machine.leading_until(), Boot(0)) << "before it has been sent";
  ASSERT_STREQ(Name(update), "Update");
  EXPECT_EQ(SpecOf(update)["holderIdentity"], "");
  EXPECT_EQ(SpecOf(update)["leaseDurationSeconds"], 1);
  EXPECT_EQ(machine.Next(LeaseWritten{Stored(update, 2)}, At(5)), LeaderAction(Released{}));
}

TEST_F(Machine, TriesToGiveItAwayUntilItIsNotItsOwn) {
  Lead();
  machine.Release(At(5));
  EXPECT_EQ(machine.Next(LeaseFailed{absl::AbortedError("conflict")}, At(5)),
            LeaderAction(PauseTries{Boot(5.2), Boot(5.2)}));
  EXPECT_STREQ(Name(machine.Next(Paused{}, At(5.2))), "Read");
  const LeaderAction update = machine.Next(LeaseRead{LeaseOf("me", 4)}, At(5.2));
  ASSERT_STREQ(Name(update), "Update");
  EXPECT_EQ(Stored(update, 4)["metadata"]["resourceVersion"], "4");
  EXPECT_STREQ(Name(machine.Next(kFailed, At(5.3))), "Pause");
  EXPECT_STREQ(Name(machine.Next(Paused{}, At(5.5))), "Read");
  EXPECT_STREQ(Name(machine.Next(LeaseRead{LeaseOf("other", 5)}, At(5.5))), "Released");
}

TEST_F(Machine, LooksWhetherAWriteOfUnknownEndHasMadeItTheHolder) {
  EXPECT_STREQ(Name(machine.Release(At(0))), "Released") << "nothing was ever written";
  machine.Acquire(At(0));
  machine.Next(LeaseRead{LeaseOf("", 1)}, At(0));
  machine.Next(kFailed, At(1));
  EXPECT_STREQ(Name(machine.Release(At(1))), "Read");
  EXPECT_STREQ(Name(machine.Next(LeaseRead{LeaseOf("me", 2)}, At(1))), "Update");
}

TEST(LeaderElectionOptions, SayWhichRuleIsBroken) {
  struct Row {
    LeaderElectionOptions options;
    const char* says;
  };
  const auto with = [](int lease, int renew, double retry) {
    LeaderElectionOptions options = Options();
    options.lease_duration = absl::Seconds(lease);
    options.renew_deadline = absl::Seconds(renew);
    options.retry_period = absl::Seconds(retry);
    return options;
  };
  LeaderElectionOptions half = Options();
  half.lease_duration = absl::Seconds(15.5);
  const std::vector<Row> rows = {
      {Options(), ""},
      {{.identity = "me"}, "leader election needs a namespace for its Lease: set --leader-election-namespace"},
      {{.ns = "ops", .name = "", .identity = "me"},
       "leader election needs a name for its Lease: set --leader-election-name"},
      {Options(""), "leader election needs an identity of this process"},
      {with(15, 10, 0), "the retry period must be longer than 0s, it is 0"},
      {with(15, 12, 10), "the renew deadline must be longer than 1.2 retry periods (12s), it is 12s"},
      {with(15, 5, 2),
       "the renew deadline must be at least 4s longer than the retry period (2s), or writes would not have the time "
       "that they need; it is 5s"},
      {with(10, 10, 2), "the lease duration must be longer than the renew deadline (10s), it is 10s"},
      {half, "the lease duration must be whole seconds, it is 15.5s"},
  };
  for (const Row& row : rows) EXPECT_EQ(row.options.Validate().message(), row.says);
}

}  // namespace
}  // namespace ottoscale::kube
