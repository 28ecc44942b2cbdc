#include "pkg/telemetry/scrubber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace ottoscale::telemetry {
namespace {

TEST(Scrubber, ReplacesEachFormOfASecret) {
  const std::string key = "k3y/with+ every\"kind\\of&character?";
  Scrubber scrubber;
  EXPECT_TRUE(scrubber.Add(Secret(key)));
  const struct {
    std::string text;
    std::string scrubbed;
  } rows[] = {
      {key, "[redacted]"},
      {absl::StrCat("Bearer ", key, ", again ", key, "!"), "Bearer [redacted], again [redacted]!"},
      {absl::BytesToHexString(key), "[redacted]"},
      {absl::AsciiStrToUpper(absl::BytesToHexString(key)), "[redacted]"},
      {"x=k3y%2Fwith%2B%20every%22kind%5Cof%26character%3F", "x=[redacted]"},
      {"x=k3y%2fwith%2b%20every%22kind%5cof%26character%3f", "x=[redacted]"},
      {R"({"a":"k3y/with+ every\"kind\\of&character?"})", R"({"a":"[redacted]"})"},
      {"nothing here", "nothing here"},
      {"", ""},
      {key.substr(0, key.size() - 1), key.substr(0, key.size() - 1)},
  };
  for (const auto& row : rows) EXPECT_EQ(scrubber.Scrub(row.text), row.scrubbed);
}

TEST(Scrubber, FindsASecretAnywhereInsideBase64) {
  // All byte values, so that both alphabets of base64 differ.
  std::string key;
  for (int c = 0; c < 256; c += 3) key += static_cast<char>(c ^ 0xF0);
  Scrubber scrubber;
  scrubber.Add(Secret(key));
  for (size_t before = 0; before < 7; ++before) {
    for (size_t after = 0; after < 4; ++after) {
      const std::string text = absl::StrCat(std::string(before, 'u'), key, std::string(after, 'w'));
      for (const std::string& encoded : {absl::Base64Escape(text), absl::WebSafeBase64Escape(text)}) {
        const std::string scrubbed = scrubber.Scrub(encoded);
        // What is left are the neighbours, and at most one character of each end that they share with the key.
        EXPECT_LE(scrubbed.size(), (before * 4 + 2) / 3 + 1 + 10 + (after * 4 + 2) / 3 + 4)
            << encoded << " " << scrubbed;
        EXPECT_NE(scrubbed.find("[redacted]"), std::string::npos) << before << " " << after;
      }
    }
  }
}

TEST(Scrubber, KnowsAValueWithoutTheWhiteSpaceAroundIt) {
  Scrubber scrubber;
  scrubber.Add(Secret("0123456789abcdef\n"));
  EXPECT_EQ(scrubber.Scrub("key=0123456789abcdef;"), "key=[redacted];");
}

TEST(Scrubber, LeavesShortValuesAlone) {
  Scrubber scrubber;
  EXPECT_FALSE(scrubber.Add(Secret("1234567")));
  EXPECT_FALSE(scrubber.Add(Secret("")));
  EXPECT_FALSE(scrubber.Add(Secret("   1234567   \n")));
  EXPECT_TRUE(scrubber.Add(Secret("12345678")));
  EXPECT_EQ(scrubber.Scrub("1234567 12345678"), "1234567 [redacted]");
}

TEST(Scrubber, PrefersTheLongerOfTwoSecrets) {
  Scrubber scrubber;
  scrubber.Add(Secret("prefix-0123"));
  scrubber.Add(Secret("prefix-0123-and-more"));
  EXPECT_EQ(scrubber.Scrub("<prefix-0123-and-more><prefix-0123>"), "<[redacted]><[redacted]>");
}

TEST(Scrubber, AddingAgainChangesNothing) {
  Scrubber scrubber;
  scrubber.Add(Secret("0123456789"));
  const size_t forms = scrubber.forms();
  scrubber.Add(Secret("0123456789"));
  EXPECT_EQ(scrubber.forms(), forms);
}

}  // namespace
}  // namespace ottoscale::telemetry
