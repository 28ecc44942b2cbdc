#include "pkg/telemetry/escape.h"

#include <gtest/gtest.h>

namespace ottoscale::telemetry {
namespace {

TEST(Escape, TurnsWhatIsHiddenIntoLetters) {
  const struct {
    std::string text;
    std::string escaped;
  } rows[] = {
      {"plain \xC3\xA9 \xF0\x9F\xA6\xA6", "plain \xC3\xA9 \xF0\x9F\xA6\xA6"},
      {"\x1b[31m\x07\x7f", "\\u001b[31m\\u0007\\u007f"},
      {"a\r\nb\tc", "a\\r\\nb\\tc"},
      {"\"\\", "\\\"\\\\"},
      {"\xC2\x9B", "\\u009b"},  // the one-byte form of ESC [
      {"\xE2\x80\xA8\xE2\x81\xA6\xE2\x80\x8E", "\\u2028\\u2066\\u200e"},
      {"\xE2\x80", "??"},                 // cut off
      {"\xC0\xAF\xED\xA0\x80", "?????"},  // overlong, surrogate
      {std::string("\0", 1), "\\u0000"},
  };
  for (const auto& row : rows) {
    std::string out;
    AppendEscaped(row.text, out);
    EXPECT_EQ(out, row.escaped);
  }
}

TEST(FieldName, IsAPlainWord) {
  EXPECT_EQ(FieldName("policy.name/x-1_A"), "policy.name/x-1_A");
  EXPECT_EQ(FieldName("a b=\"c\"\n\xC3\xA9"), "a_b__c____");
  EXPECT_EQ(FieldName(""), "_");
}

}  // namespace
}  // namespace ottoscale::telemetry
