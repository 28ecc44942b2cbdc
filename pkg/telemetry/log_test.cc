#include "pkg/telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/telemetry/captured_log.h"
#include "pkg/telemetry/log_line.h"

namespace ottoscale::telemetry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

static_assert(!std::is_constructible_v<Value, Secret>, "a secret is no field");
static_assert(!std::is_constructible_v<Value, const Secret&>, "a secret is no field");

std::string Line(Format format, absl::string_view message, const Fields& fields) {
  const LogEvent event{absl::FromUnixMillis(1767225600007), Level::kInfo, "reconcile", message, fields};
  return FormatLine(event, format, false);
}

TEST(LogLine, HasItsFieldsInOrderInEachFormat) {
  const Fields fields = {{"policy", "default/web"}, {"from", 2}, {"mean", 0.25}, {"mode", "dry run"}, {"late", true}};
  EXPECT_EQ(Line(Format::kText, "scaled out", fields),
            "2026-01-01T00:00:00.007Z INFO  reconcile: scaled out policy=default/web from=2 mean=0.25 mode=\"dry run\" "
            "late=true");
  EXPECT_EQ(Line(Format::kLogfmt, "scaled out", fields),
            "ts=2026-01-01T00:00:00.007Z level=info logger=reconcile msg=\"scaled out\" policy=default/web from=2 "
            "mean=0.25 mode=\"dry run\" late=true");
  EXPECT_EQ(Line(Format::kJson, "scaled out", fields),
            R"({"ts":"2026-01-01T00:00:00.007Z","level":"info","logger":"reconcile","msg":"scaled out",)"
            R"("policy":"default/web","from":2,"mean":0.25,"mode":"dry run","late":true})");
}

TEST(LogLine, ValuesKeepTheirType) {
  const Fields fields = {{"least", std::numeric_limits<int64_t>::min()},
                         {"most", std::numeric_limits<uint64_t>::max()},
                         {"took", absl::Milliseconds(1500)},
                         {"at", absl::FromUnixSeconds(1767225600)},
                         {"error", absl::NotFoundError("no such app")},
                         {"nan", std::nan("")},
                         {"off", false}};
  const nlohmann::json line = nlohmann::json::parse(Line(Format::kJson, "m", fields));
  EXPECT_EQ(line.at("least"), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(line.at("most"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(line.at("took"), "1.5s");
  EXPECT_EQ(line.at("at"), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(line.at("error"), "NOT_FOUND: no such app");
  EXPECT_EQ(line.at("nan"), "NaN");
  EXPECT_EQ(line.at("off"), false);
}

TEST(LogLine, IsOneLineOfValidTextWhateverIsInIt) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  all += "\xE2\x80\xA8 \xE2\x80\xAE \xC2\x85 \xC3\xA9 end";  // line separator, right-to-left override, NEL, e acute
  for (const Format format : {Format::kText, Format::kLogfmt, Format::kJson}) {
    const std::string line = Line(format, all, {{all, all}});
    for (const char c : line) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f) << line;
    for (const char* hidden : {"\xE2\x80\xA8", "\xE2\x80\xAE", "\xC2\x85"}) EXPECT_THAT(line, Not(HasSubstr(hidden)));
    EXPECT_THAT(line, HasSubstr("\\u2028 \\u202e \\u0085 \xC3\xA9 end"));
    EXPECT_THAT(line, HasSubstr("\\t\\n"));
  }
  // JSON must read back; only the bytes that are not UTF-8 are lost.
  const nlohmann::json line = nlohmann::json::parse(Line(Format::kJson, all, {}));
  EXPECT_EQ(line.at("msg").get<std::string>().substr(0, 128), all.substr(0, 128));
}

TEST(LogLine, QuotesWhatALogfmtReaderWouldSplit) {
  const Fields fields = {{"empty", ""}, {"pair", "a=b"}, {"quote", "say \"hi\"\\"}, {"bad key\n", "x"}};
  EXPECT_THAT(Line(Format::kLogfmt, "m", fields), HasSubstr(R"( empty="" pair="a=b" quote="say \"hi\"\\" bad_key_=x)"));
}

TEST(LogLine, AKeyStandsOnlyOnce) {
  const Fields fields = {{"msg", "x"}, {"a", 1}, {"a", 2}, {"", 3}};
  EXPECT_THAT(Line(Format::kJson, "m", fields), HasSubstr(R"("msg":"m","msg_":"x","a":1,"a_":2,"_":3)"));
}

TEST(LogLine, ColoursOnlyText) {
  const LogEvent event{absl::UnixEpoch(), Level::kError, "", "broken", Fields()};
  EXPECT_EQ(FormatLine(event, Format::kText, true), "1970-01-01T00:00:00.000Z \x1b[31mERROR\x1b[0m broken");
  EXPECT_THAT(FormatLine(event, Format::kJson, true), Not(HasSubstr("\x1b")));
  EXPECT_THAT(FormatLine(event, Format::kLogfmt, true), Not(HasSubstr("\x1b")));
}

TEST(LogNames, ParseBack) {
  for (const Level level : kLevels) EXPECT_EQ(ParseLevel(Name(level)), level);
  EXPECT_EQ(ParseLevel("warning"), std::nullopt);
  EXPECT_EQ(ParseFormat("json"), Format::kJson);
  EXPECT_EQ(ParseFormat("JSON"), std::nullopt);
}

struct LogTest : testing::Test {
  async::SimulatedLoop loop{1};
  Scrubber scrubber;
  CapturedLog captured;
  Log log{{.loop = loop, .sink = captured.sink(), .format = Format::kLogfmt, .scrubber = &scrubber}};
  Logger logger = log.Named("gate");
};

TEST_F(LogTest, TakesTheTimeFromTheLoop) {
  loop.RunFor(absl::Milliseconds(90'061'001));
  logger.Info("m");
  EXPECT_THAT(captured.lines(), ElementsAre(HasSubstr("ts=2026-01-02T01:01:01.001Z ")));
}

TEST_F(LogTest, FiltersByALevelThatMayChange) {
  logger.Debug("hidden");
  log.SetLevel(Level::kDebug);
  logger.Debug("shown");
  log.SetLevel(Level::kError);
  logger.Warn("hidden too");
  EXPECT_THAT(captured.lines(), ElementsAre(HasSubstr("msg=shown")));
  EXPECT_EQ(log.lines(Level::kDebug), 1u);
  EXPECT_EQ(log.lines(Level::kWarn), 0u);
}

TEST_F(LogTest, NamesAndFieldsAreInherited) {
  const Logger child = logger.With({{"policy", "a/b"}}).Named("ledger").With({{"kind", "out"}});
  child.Info("m", {{"n", 1}});
  logger.Info("m");
  EXPECT_THAT(captured.lines(), ElementsAre(HasSubstr("logger=gate.ledger msg=m policy=a/b kind=out n=1"),
                                            testing::EndsWith("logger=gate msg=m")));
}

TEST_F(LogTest, WritesARepeatedErrorOnceAMinuteAndSaysHowManyWereHeldBack) {
  for (int attempt = 0; attempt < 60; ++attempt) {
    logger.Error("read failed", {{"policy", "a"}, {"attempt", attempt}, {"took", absl::Seconds(attempt)}});
    loop.RunFor(absl::Seconds(1));
  }
  EXPECT_EQ(captured.lines().size(), 1u);
  EXPECT_EQ(log.suppressed(), 59u);
  EXPECT_EQ(log.lines(Level::kError), 1u);
  logger.Error("read failed", {{"policy", "a"}, {"attempt", 61}});
  EXPECT_THAT(captured.lines().back(), testing::EndsWith("attempt=61 suppressed=59"));
}

TEST_F(LogTest, ErrorsThatDifferInTextAreNotRepeats) {
  logger.Error("read failed", {{"policy", "a"}});
  logger.Error("read failed", {{"policy", "b"}});
  logger.Warn("read failed", {{"policy", "a"}});
  logger.Named("x").Error("read failed", {{"policy", "a"}});
  logger.Error("read failed", {{"policy", "a"}, {"final", true}});
  logger.Error("read failed", {{"policy", "a"}, {"final", false}});
  EXPECT_EQ(captured.lines().size(), 6u);
}

TEST_F(LogTest, InfoIsNeverHeldBack) {
  for (int i = 0; i < 3; ++i) logger.Info("scaled out");
  EXPECT_EQ(captured.lines().size(), 3u);
}

TEST_F(LogTest, ScrubsMessagesKeysAndValues) {
  logger.Info("before: s3cret-value");
  scrubber.Add(Secret("s3cret-value"));
  logger.Info("got s3cret-value", {{"url", "https://x/?k=s3cret-value"}, {"s3cret-value", 1}});
  EXPECT_THAT(captured.lines().front(), HasSubstr("s3cret-value"));
  EXPECT_THAT(captured.lines().back(), Not(HasSubstr("s3cret-value")));
  EXPECT_THAT(captured.lines().back(), HasSubstr("url=\"https://x/?k=[redacted]\""));
}

TEST(RepeatFilter, ForgetsWhatWasWrittenLongestAgoWhenThereAreTooMany) {
  RepeatFilter filter(absl::Minutes(1), 2);
  async::BootTime now{absl::Seconds(1)};
  EXPECT_TRUE(filter.Check("a", now).write);
  EXPECT_TRUE(filter.Check("b", now + absl::Seconds(1)).write);
  EXPECT_FALSE(filter.Check("a", now + absl::Seconds(2)).write);
  EXPECT_TRUE(filter.Check("c", now + absl::Seconds(3)).write);
  EXPECT_FALSE(filter.Check("b", now + absl::Seconds(4)).write);
  EXPECT_TRUE(filter.Check("a", now + absl::Seconds(5)).write);
}

TEST(StderrSink, WritesTheLineAndALineEnd) {
  testing::internal::CaptureStderr();
  StderrSink()(Level::kInfo, "{\"msg\":\"100% {} %v\"}");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "{\"msg\":\"100% {} %v\"}\n");
}

}  // namespace
}  // namespace ottoscale::telemetry
