#include "pkg/base/text.h"

#include <gtest/gtest.h>

namespace ottoscale {
namespace {

TEST(ClosestMatch, FindsASlipOfTheFingers) {
  const std::vector<std::string> fields = {"minCapacity", "maxCapacity", "metrics", "mode"};
  EXPECT_EQ(ClosestMatch("maxCapactiy", fields), "maxCapacity");
  EXPECT_EQ(ClosestMatch("MinCapacity", fields), "minCapacity");
  EXPECT_EQ(ClosestMatch("metric", fields), "metrics");
  EXPECT_EQ(ClosestMatch("schedule", fields), std::nullopt);
  EXPECT_EQ(ClosestMatch("", fields), std::nullopt);
}

TEST(JoinWords, ReadsAsASentence) {
  EXPECT_EQ(JoinWords({}, "or"), "");
  EXPECT_EQ(JoinWords({"a"}, "or"), "a");
  EXPECT_EQ(JoinWords({"a", "b"}, "or"), "a or b");
  EXPECT_EQ(JoinWords({"a", "b", "c"}, "and"), "a, b and c");
}

TEST(Truncate, CutsAtACharacterBoundary) {
  EXPECT_EQ(Truncate("short", 5), "short");
  EXPECT_EQ(Truncate("longer", 5), "lo...");
  EXPECT_EQ(Truncate("\xC3\xA9\xC3\xA9\xC3\xA9", 5), "\xC3\xA9...");
}

TEST(Printable, ReplacesWhatNoTerminalOrPrometheusWantsToSee) {
  EXPECT_EQ(Printable("a\nb\x1b[2J"), "a?b?[2J");
  EXPECT_EQ(Printable("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(Printable("\xC3"), "?");
  EXPECT_EQ(Printable("\xC0\xAF"), "??");       // overlong
  EXPECT_EQ(Printable("\xED\xA0\x80"), "???");  // surrogate
  EXPECT_EQ(Printable("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
}

}  // namespace
}  // namespace ottoscale
