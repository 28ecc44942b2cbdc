#include "operator/secret_flags.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace ottoscale::operator_main {
namespace {

TEST(SecretFlag, ReadsBothSourcesAndANamespace) {
  EXPECT_EQ(*ParseSecretFlag("heroku/apiKey=env:HEROKU_API_KEY"),
            (SecretFlag{"default", "heroku", "apiKey", SecretFlag::From::kEnvironment, "HEROKU_API_KEY"}));
  EXPECT_EQ(*ParseSecretFlag("shop/heroku/apiKey=file:/run/a=b"),
            (SecretFlag{"shop", "heroku", "apiKey", SecretFlag::From::kFile, "/run/a=b"}));
}

TEST(SecretFlag, NeverRepeatsWhatMayBeTheSecret) {
  for (const char* text :
       {"heroku/apiKey=s3cr3t-value", "heroku=s3cr3t-value", "a/b/c/d=s3cr3t-value", "/k=s3cr3t-value"}) {
    const auto flag = ParseSecretFlag(text);
    ASSERT_FALSE(flag.ok()) << text;
    EXPECT_FALSE(absl::StrContains(flag.status().message(), "s3cr3t")) << flag.status();
    EXPECT_TRUE(absl::StrContains(flag.status().message(), "NAME/KEY=env:VARIABLE")) << flag.status();
  }
}

TEST(ReadSecret, TakesOffOneLineEndOfAFile) {
  const SecretFlag flag{"default", "heroku", "apiKey", SecretFlag::From::kFile, "/k"};
  const auto read = [&](std::string content) {
    return ReadSecret(flag, nullptr, [&](const std::string&) -> absl::StatusOr<std::string> { return content; });
  };
  EXPECT_EQ(read("abc\n")->Reveal(), "abc");
  EXPECT_EQ(read("abc\r\n")->Reveal(), "abc");
  EXPECT_EQ(read("abc\n\n")->Reveal(), "abc\n");
  EXPECT_EQ(read("\n").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ReadSecret, SaysWhichVariableIsMissing) {
  const SecretFlag flag{"default", "heroku", "apiKey", SecretFlag::From::kEnvironment, "HEROKU_API_KEY"};
  const auto missing = ReadSecret(flag, [](const std::string&) { return std::nullopt; }, nullptr);
  EXPECT_TRUE(absl::StrContains(missing.status().message(), "HEROKU_API_KEY is not set")) << missing.status();
}

}  // namespace
}  // namespace ottoscale::operator_main
