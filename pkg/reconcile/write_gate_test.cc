#include "pkg/reconcile/write_gate.h"

#include <gtest/gtest.h>

#include "pkg/async/simulated_loop.h"

namespace ottoscale::reconcile {
namespace {

using decision::Applied;
using decision::Cause;
using decision::NotWritten;
using decision::Superseded;
using decision::Unknown;
using decision::Violation;
using decision::WriteResult;

// A cloud that says what it is told to say, and counts.
class ScriptedTarget final : public ports::ScalingTarget {
 public:
  async::Task<decision::TargetReading> Read(async::BootTime) override {
    if (while_read) while_read();
    if (unreadable) co_return decision::TargetFailure{};
    co_return decision::TargetState{.uid = "uid/web", .desired = stands_at};
  }
  async::Task<WriteResult> SetCapacity(int capacity, async::BootTime deadline) override {
    ++writes;
    write_by = deadline;
    if (answer) co_return *answer;
    co_return Applied{capacity};
  }
  std::optional<WriteResult> answer;
  int writes = 0;
  async::BootTime write_by;
  int stands_at = 0;
  bool unreadable = false;
  std::function<void()> while_read;
};

const char* NameOf(const WriteResult& result) {
  static constexpr const char* kNames[] = {"NotWritten", "Applied", "Refused", "Unknown", "Superseded", "Violation"};
  return kNames[result.index()];
}

std::string CheckOf(const WriteResult& result) {
  const auto* violation = std::get_if<Violation>(&result);
  return violation == nullptr ? "" : violation->check;
}

class WriteGateTest : public testing::Test {
 protected:
  WriteGateTest() {
    spec.max_capacity = 5;
    spec.metrics = {policy::Metric{.name = "heartbeat", .strategy = policy::Threshold{.lower = 200, .upper = 1000}}};
    spec.behavior.scale_out.cooldown = absl::Seconds(60);
    spec.behavior.scale_in.cooldown = absl::Seconds(120);
    claims.Set("shop/web", "uid/web", true);
  }

  ProposedChange Change(int from, int to) {
    const async::Instant now = loop.Now();
    return {.policy = "shop/web",
            .generation = 4,
            .target_uid = "uid/web",
            .from = from,
            .to = to,
            .cause = Cause::kMetrics,
            .decided_at = now,
            .samples = {{.state = decision::SampleState::kValid, .value = 1240, .measured_at = now}}};
  }
  WriteResult Apply(ProposedChange change) {
    if (!moved) target.stands_at = change.from;
    return loop.Run(gate.Apply(std::move(change), target, loop.Now().boot + absl::Seconds(15)));
  }

  async::SimulatedLoop loop{1};
  policy::ScalingPolicy spec;
  int64_t generation = 4;
  bool deleted = false;
  bool moved = false;  // somebody else has set target.stands_at
  absl::Duration lease = absl::InfiniteDuration();
  Claims claims;
  ScriptedTarget target;
  WriteGate gate{{.loop = loop,
                  .claims = claims,
                  .limits = {.max_capacity = 50, .max_step = 4},
                  .newest = [this](const std::string&) -> std::optional<NewestSpec> {
                    if (deleted) return std::nullopt;
                    return NewestSpec{generation, &spec};
                  },
                  .lease_left = [this] { return lease; }}};
};

TEST_F(WriteGateTest, LetsAnOrdinaryChangeThrough) {
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Applied");
  EXPECT_EQ(target.writes, 1);
}

TEST_F(WriteGateTest, LetsNoWriteOutliveTheLease) {
  struct Row {
    absl::Duration lease;
    absl::Duration write_gets;  // of the 15 s that it asks for
  };
  for (const Row& row : {Row{absl::InfiniteDuration(), absl::Seconds(15)}, Row{absl::Seconds(15), absl::Seconds(15)},
                         Row{absl::Seconds(9), absl::Seconds(9)}, Row{absl::Seconds(3), absl::Seconds(3)}}) {
    lease = row.lease;
    target.answer = decision::Refused{};  // so that no cooldown begins
    EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Refused") << row.lease;
    EXPECT_EQ(target.write_by - loop.Now().boot, row.write_gets) << row.lease;
  }
}

TEST_F(WriteGateTest, LooksAtTheLeaseAgainAfterTheTargetWasReadOnceMore) {
  target.while_read = [this] { lease = absl::Seconds(2.9); };  // stopped for a while, say
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Superseded");
  EXPECT_EQ(target.writes, 0);
}

TEST_F(WriteGateTest, IsSupersededWhenTheWorldMovedOn) {
  struct Row {
    const char* what;
    std::function<void()> move;
  };
  const std::vector<Row> rows = {
      {"a newer generation", [this] { generation = 5; }},
      {"deleted", [this] { deleted = true; }},
      {"Recommend", [this] { spec.mode = policy::Mode::kRecommend; }},
      {"suspended", [this] { spec.suspend = policy::Suspend{}; }},
      {"scale-out suspended", [this] { spec.suspend = policy::Suspend{.scope = policy::Suspend::Scope::kScaleOut}; }},
      {"the lease lapses", [this] { lease = absl::Seconds(2); }},
      {"a rival", [this] { claims.Set("other/web", "uid/web", true); }},
  };
  const policy::ScalingPolicy original = spec;
  for (const Row& row : rows) {
    row.move();
    EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Superseded") << row.what;
    spec = original;
    generation = 4;
    deleted = false;
    lease = absl::InfiniteDuration();
    claims.Remove("other/web");
  }
  EXPECT_EQ(target.writes, 0);
  EXPECT_EQ(gate.violations(), 0u);
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Applied");
}

TEST_F(WriteGateTest, WritesNothingWhileTheOperatorIsFrozen) {
  WriteGate frozen({.loop = loop,
                    .claims = claims,
                    .limits = {.frozen = true},
                    .newest = [this](const std::string&) { return NewestSpec{generation, &spec}; },
                    .lease_left = [] { return absl::InfiniteDuration(); }});
  target.stands_at = 2;
  EXPECT_STREQ(NameOf(loop.Run(frozen.Apply(Change(2, 3), target, loop.Now().boot + absl::Seconds(15)))), "Superseded");
  EXPECT_EQ(target.writes, 0);
}

TEST_F(WriteGateTest, ReadsTheTargetOnceMoreRightBeforeTheWrite) {
  moved = true;
  target.stands_at = 4;  // a person was faster
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Superseded");
  target.unreadable = true;
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Superseded");
  EXPECT_EQ(target.writes, 0);
  moved = target.unreadable = false;
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Applied");
}

TEST_F(WriteGateTest, ASuspendedOtherDirectionDoesNotMatter) {
  spec.suspend = policy::Suspend{.scope = policy::Suspend::Scope::kScaleIn};
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Applied");
}

TEST_F(WriteGateTest, RefusesWhatOnlyADefectCouldAsk) {
  struct Row {
    const char* check;
    std::function<void(ProposedChange&)> mutate;
  };
  const std::vector<Row> rows = {
      {"bounds", [](ProposedChange& c) { c.from = 5, c.to = 6; }},
      {"bounds", [](ProposedChange& c) { c.from = 1, c.to = 0; }},
      {"bounds", [](ProposedChange& c) { c.from = 5, c.to = 6, c.cause = Cause::kBounds; }},
      {"step", [](ProposedChange& c) { c.to = c.from; }},
      {"step", [](ProposedChange& c) { c.to = c.from + 2; }},
      {"step", [](ProposedChange& c) { c.from = 9, c.to = 4, c.cause = Cause::kBounds; }},
      {"samples", [](ProposedChange& c) { c.to = 1, c.samples[0].state = decision::SampleState::kMissing; }},
      {"samples", [](ProposedChange& c) { c.to = 1, c.samples[0].state = decision::SampleState::kCensored; }},
      {"samples", [](ProposedChange& c) { c.to = 1, c.samples.clear(); }},
      {"samples",
       [](ProposedChange& c) {
         c.to = 1;
         c.samples[0].measured_at.boot = c.samples[0].measured_at.boot - absl::Seconds(91);
       }},
  };
  for (const Row& row : rows) {
    ProposedChange change = Change(2, 3);
    row.mutate(change);
    const WriteResult result = Apply(change);
    EXPECT_EQ(CheckOf(result), row.check) << change.from << " -> " << change.to << ": " << NameOf(result);
  }
  EXPECT_EQ(target.writes, 0);
  EXPECT_EQ(gate.violations(), rows.size());
}

TEST_F(WriteGateTest, KeepsItsOwnLedgerOfCooldowns) {
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Applied");
  loop.RunFor(absl::Seconds(59));
  EXPECT_EQ(CheckOf(Apply(Change(3, 4))), "cooldown");
  ProposedChange bounds = Change(3, 4);
  bounds.cause = Cause::kBounds;
  EXPECT_STREQ(NameOf(Apply(bounds)), "Applied");
  loop.RunFor(absl::Seconds(60));
  EXPECT_STREQ(NameOf(Apply(Change(4, 5))), "Applied");
  loop.RunFor(absl::Seconds(119));
  EXPECT_EQ(CheckOf(Apply(Change(5, 4))), "cooldown");
  loop.RunFor(absl::Seconds(1));
  EXPECT_STREQ(NameOf(Apply(Change(5, 4))), "Applied");
}

TEST_F(WriteGateTest, WaitsForAReadAfterAnUnknownEnd) {
  target.answer = Unknown{"the connection broke"};
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Unknown");
  target.answer.reset();
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Superseded");
  gate.Observed("uid/web", 2);  // it did not happen: no cooldown either
  EXPECT_STREQ(NameOf(Apply(Change(2, 3))), "Applied");
}

TEST_F(WriteGateTest, AnUnknownWriteThatHappenedCounts) {
  target.answer = Unknown{"the connection broke"};
  (void)Apply(Change(2, 3));
  target.answer.reset();
  gate.Observed("uid/web", 3);
  EXPECT_EQ(CheckOf(Apply(Change(3, 4))), "cooldown");
}

TEST_F(WriteGateTest, RemembersWhatStatusRemembers) {
  gate.Restore("uid/web", loop.Now().boot - absl::Seconds(30), std::nullopt);
  gate.Restore("uid/web", loop.Now().boot - absl::Seconds(300), std::nullopt);  // never backwards
  EXPECT_EQ(CheckOf(Apply(Change(2, 3))), "cooldown");
}

TEST_F(WriteGateTest, ASampleThatAgedWhileWaitingIsARaceAndNoDefect) {
  ProposedChange change = Change(3, 2);
  loop.RunFor(absl::Seconds(91));
  EXPECT_STREQ(NameOf(Apply(change)), "Superseded");
}

TEST(Claims, ARivalIsSomebodyElseWhoMayWrite) {
  Claims claims;
  claims.Set("a/x", "uid", true);
  claims.Set("b/y", "uid", false);
  EXPECT_EQ(claims.Rival("a/x", "uid"), std::nullopt);
  EXPECT_EQ(claims.Rival("b/y", "uid"), "a/x");
  claims.Set("b/y", "uid", true);
  EXPECT_EQ(claims.Rival("a/x", "uid"), "b/y");
  claims.Set("b/y", "other", true);
  EXPECT_EQ(claims.Rival("a/x", "uid"), std::nullopt);
  claims.Remove("a/x");
  EXPECT_EQ(claims.Rival("b/y", "uid"), std::nullopt);
}

}  // namespace
}  // namespace ottoscale::reconcile
