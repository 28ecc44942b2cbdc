#include "pkg/providers/heartbeat/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ottoscale::heartbeat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

codec::Decoded<Config> Parse(const std::string& json) { return ParseConfig({.type = "HTTPHeartbeat", .json = json}); }

std::vector<std::string> Problems(const std::string& json) {
  std::vector<std::string> out;
  for (const codec::Problem& problem : Parse(json).problems) out.push_back(codec::FormatProblem(problem));
  return out;
}

TEST(HeartbeatConfig, HasTheDefaultsOfTheApi) {
  const auto parsed = Parse(R"({"url":"https://shop.example/heartbeat/"})");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.value->url, "https://shop.example/heartbeat/");
  EXPECT_EQ(parsed.value->timeout, absl::Seconds(10));
  EXPECT_THAT(parsed.value->expected, ElementsAre(StatusRange{200, 299}));
  EXPECT_EQ(parsed.value->body_contains, "");
  EXPECT_TRUE(parsed.value->timeout_breaches);
  EXPECT_FALSE(parsed.value->server_error_breaches);
}

TEST(HeartbeatConfig, ReadsEveryField) {
  const auto parsed = Parse(R"({"url":"http://[::1]:8080/h?x=1","timeoutMilliseconds":100,
    "expectedStatuses":["204","300-399"],"bodyContains":"ok","onTimeout":"Hold","onServerError":"Breach"})");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.value->parts.Authority(), "[::1]:8080");
  EXPECT_EQ(parsed.value->timeout, absl::Milliseconds(100));
  EXPECT_THAT(parsed.value->expected, ElementsAre(StatusRange{204, 204}, StatusRange{300, 399}));
  EXPECT_EQ(parsed.value->ExpectedText(), "204 or 300-399");
  EXPECT_EQ(parsed.value->body_contains, "ok");
  EXPECT_FALSE(parsed.value->timeout_breaches);
  EXPECT_TRUE(parsed.value->server_error_breaches);
}

TEST(HeartbeatConfig, RefusesWithWhatWasFoundAndWhatIsAllowed) {
  struct Row {
    const char* fields;
    const char* problem;
  };
  const Row rows[] = {
      {R"("url":"https://x/","timeoutMilliseconds":99)",
       "timeoutMilliseconds: must be an integer from 100 to 60000, found 99"},
      {R"("url":"https://x/","timeoutMilliseconds":60001)",
       "timeoutMilliseconds: must be an integer from 100 to 60000, found 60001"},
      {R"("url":"https://x/","timeoutMilliseconds":1e300)",
       "timeoutMilliseconds: must be an integer from 100 to 60000, found 1e+300"},
      {R"("url":"https://x/","onTimeout":"breach")",
       "onTimeout: must be 'Breach' or 'Hold', found 'breach', did you mean 'Breach'?"},
      {R"("url":"https://x/","onServerError":true)", "onServerError: must be 'Breach' or 'Hold', found true"},
      {R"("url":"https://x/","timeoutMillisecond":1000)",
       "timeoutMillisecond: is an unknown field, did you mean `timeoutMilliseconds`?"},
      {R"("url":"https://x/","expectedStatuses":[])", "expectedStatuses: must have 1 to 16 items, found 0"},
      {R"("url":"https://x/","expectedStatuses":["200-299",200])",
       "expectedStatuses[1]: must be a status from 200 to 599 or a range of them, such as \"204\" or \"200-299\", "
       "found "
       "200: quote it"},
      {R"("url":"https://x/","expectedStatuses":["299-200"])",
       "expectedStatuses[0]: must be a status from 200 to 599 or a range of them, such as \"204\" or \"200-299\", "
       "found "
       "'299-200'"},
      {R"("url":"https://x/","expectedStatuses":["100"])",
       "expectedStatuses[0]: must be a status from 200 to 599 or a range of them, such as \"204\" or \"200-299\", "
       "found "
       "'100'"},
      {R"("url":"https://x/","expectedStatuses":["+20"])",
       "expectedStatuses[0]: must be a status from 200 to 599 or a range of them, such as \"204\" or \"200-299\", "
       "found "
       "'+20'"},
      {R"("url":"ftp://x/")",
       "url: must be a URL such as https://shop.example/heartbeat/: scheme 'ftp' is not supported: use https or http"},
      {R"("url":"https://bob:pw@x/")",
       "url: must be a URL such as https://shop.example/heartbeat/: a URL must not carry a user name or password "
       "('@')"},
      {R"("onTimeout":"Hold")", "url: is required: what to ask, such as https://shop.example/heartbeat/"},
      {R"("url":"")", "url: must not be empty"},
  };
  for (const Row& row : rows) {
    EXPECT_THAT(Problems(absl::StrCat("{", row.fields, "}")), ElementsAre(row.problem)) << row.fields;
  }
  EXPECT_THAT(Problems("[]"), ElementsAre("must be an object, found a list"));
  EXPECT_EQ(Problems("{").size(), 1u);
}

TEST(HeartbeatConfig, ReportsEveryMistakeAtOnce) {
  EXPECT_EQ(
      Problems(R"({"urI":1,"timeoutMilliseconds":0,"expectedStatuses":["x"],"bodyContains":1,"onTimeout":"x"})").size(),
      5u);
}

}  // namespace
}  // namespace ottoscale::heartbeat
