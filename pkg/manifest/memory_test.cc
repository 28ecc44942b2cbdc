#include "pkg/manifest/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "nlohmann/json.hpp"
#include "pkg/codec/json.h"
#include "pkg/decision/random_world.h"
#include "pkg/manifest/status.h"

namespace ottoscale::manifest {
namespace {

using decision::Decision;
using decision::Memory;
using decision::RandomWorld;
using decision::Situation;
using nlohmann::json;

Decision DecideOn(const policy::ScalingPolicy& spec, const Situation& situation) {
  return Decide(spec, situation.history, situation.seen, situation.now);
}

TEST(Memory, GivesTheSameDecisionAfterAnyPassOfAnyWorld) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    RandomWorld world(seed);
    for (int pass = 0; pass < 40; ++pass) {
      world.Weather();
      const std::vector<decision::Sample> samples = world.Samples();
      world.target.read_at = world.now;
      const Memory memory{.situation = {.history = world.history, .seen = world.Seen(samples), .now = world.now},
                          .ceilings = world.spec.ceilings};
      const std::string text = EncodeMemory(memory);
      const auto read = DecodeMemory(text);
      ASSERT_NE(read, nullptr);
      ASSERT_EQ(EncodeMemory(*read), text) << "seed " << seed << " pass " << pass;
      ASSERT_EQ(read->ceilings, memory.ceilings);
      Decision before = DecideOn(world.spec, memory.situation);
      Decision after = DecideOn(world.spec, read->situation);
      const auto left = [](const Decision& decision, const Situation& situation) {
        return decision.next ? *decision.next - situation.now.boot : absl::ZeroDuration();
      };
      ASSERT_EQ(left(before, memory.situation), left(after, read->situation));
      before.next = after.next = std::nullopt;
      // What a person was told about a failure is not kept.
      if (memory.situation.seen.failure() != nullptr) before.message = after.message, before.reasons = after.reasons;
      ASSERT_EQ(before, after) << "seed " << seed << " pass " << pass << "\n" << text;
      world.Pass(samples);
    }
  }
}

TEST(Memory, KeepsWhatIsNotANumberAndAClockThatWasSet) {
  Memory memory;
  memory.situation.now = {decision::Noon(), {absl::Hours(5)}};
  memory.situation.seen.samples = {decision::Valid(std::numeric_limits<double>::quiet_NaN(), memory.situation.now)};
  memory.situation.history.last_scale_out = async::Instant{decision::Noon() - absl::Hours(3), {absl::Hours(4)}};
  const auto read = DecodeMemory(EncodeMemory(memory));
  EXPECT_TRUE(std::isnan(read->situation.seen.samples[0].value));
  const async::Instant& out = *read->situation.history.last_scale_out;
  EXPECT_EQ(out.wall, decision::Noon() - absl::Hours(3));
  EXPECT_EQ(read->situation.now.boot - out.boot, absl::Hours(1));
}

TEST(Memory, SurvivesAnyText) {
  for (const char* text : {"{", "[]", "{}", "5", R"({"at":"x"})"}) EXPECT_EQ(DecodeMemory(text), nullptr) << text;
  const json full = *codec::ReadJson(EncodeMemory([] {
    decision::SmallWorld world;
    world.spec.metrics[0].aggregation = {.type = policy::Aggregation::Type::kMean, .window = absl::Seconds(60)};
    for (int i = 0; i < 5; ++i) world.Beat(2000);
    return Memory{.situation = {.history = world.history, .seen = world.Seen({}), .now = world.now}};
  }()));
  const json odd[] = {json(), json(-7), json("x"), json::array({1, "y", json::object()}), json::object({{"last", 7}})};
  for (const char* part : {"seen", "history", "ceilings"}) {
    for (const auto& [key, value] : full.at(part).items()) {
      for (const json& wrong : odd) {
        json broken = full;
        broken[part][key] = wrong;
        if (value.is_array() && !value.empty()) broken[part][key] = json::array({wrong, wrong});
        const auto read = DecodeMemory(codec::Dump(broken));
        ASSERT_NE(read, nullptr) << part << key;
        DecideOn(decision::PlainPolicy(), read->situation);
      }
    }
  }
}

TEST(Memory, IsLeftOutWhereTheApiWouldNotTakeIt) {
  Memory memory;
  for (int i = 0; i < 2000; ++i) memory.situation.seen.samples.push_back(decision::Valid(i, {}));
  EXPECT_EQ(EncodeMemory(memory), "");
}

TEST(Memory, StandsInTheStatusAsText) {
  decision::PolicyStatus status;
  status.memory = std::make_shared<Memory>(Memory{.ceilings = {.max_step = 3}});
  const json written = EncodeStatus(status);
  ASSERT_TRUE(written.at("memory").is_string());
  EXPECT_EQ(DecodeStatus(written).memory->ceilings.max_step, 3);
  EXPECT_EQ(DecodeStatus(json::object()).memory, nullptr);
}

}  // namespace
}  // namespace ottoscale::manifest
