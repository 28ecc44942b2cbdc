#include "pkg/backtest/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/codec/json.h"

namespace ottoscale::backtest {
namespace {

// Points a minute apart, each with a load of its number.
std::vector<TrackPoint> Points(int count) {
  std::vector<TrackPoint> points;
  for (int i = 0; i < count; ++i) {
    points.push_back({.at = absl::FromUnixSeconds(60 * i),
                      .load = static_cast<double>(i),
                      .mean_load = static_cast<double>(i),
                      .ready = 10 - i,
                      .desired = i,
                      .response_ms = 100.0 + i,
                      .sentence = absl::StrCat("sentence ", i)});
  }
  return points;
}

TEST(Track, KeepsTheExtremesAndTheLastChange) {
  std::vector<TrackPoint> points = Points(6);
  points[1].changed = true;
  points[4].over = true;
  const TrackPoint first{.at = points[0].at,
                         .load = 2,
                         .mean_load = 1,
                         .ready = 8,
                         .desired = 2,
                         .response_ms = 102,
                         .changed = true,
                         .sentence = "sentence 1"};
  const TrackPoint second{.at = points[3].at,
                          .load = 5,
                          .mean_load = 4,
                          .ready = 5,
                          .desired = 5,
                          .response_ms = 105,
                          .over = true,
                          .sentence = "sentence 3"};
  EXPECT_EQ(Thinned(points, 2), (std::vector<TrackPoint>{first, second}));
  EXPECT_EQ(Thinned(points, 6), points);
  EXPECT_EQ(Thinned(points, 100), points);
}

TEST(Track, SaysWhereNothingServes) {
  std::vector<TrackPoint> points = Points(2);
  points[1].response_ms = -1;
  EXPECT_EQ(Thinned(points, 1)[0].response_ms, -1);
}

Report Small() {
  Report report{.series_name = "load.csv",
                .series = ParseSeries("timestamp,requests_per_minute\n0,20\n300,30\n600,20\n").value(),
                .plant = {.capacity = 10, .min = 1, .max = 5}};
  report.notes.push_back("a note </script> with <marks>");
  PolicyRun run{.name = "shop/web", .file = "policy.yaml", .unit = "dynos", .metrics = {"heartbeat"}};
  run.inputs = {{.reads = Reads::kResponseTime, .unit = "ms"}};
  run.result = {.figures = {.span = absl::Minutes(10),
                            .server_hours = 1.0 / 3,
                            .requests_over_capacity_percent = 12.5,
                            .adaptations = 3,
                            .reversals = 1,
                            .longest_under = absl::Seconds(90),
                            .peak_instances = 4},
                .passes = 20,
                .scale_outs = 2,
                .scale_ins = 1,
                .reasons = {{"Steady", 15}, {"ThresholdBreached", 5}}};
  run.points = Points(11);
  report.policies.push_back(run);
  return report;
}

TEST(Report, GivesFiguresByTheirNamesInJson) {
  const auto json = codec::ReadJson(RenderJson(Small())).value();
  const nlohmann::json& figures = json["policies"][0]["figures"];
  EXPECT_EQ(figures["serverHours"], 0.333333);
  EXPECT_EQ(figures["requestsOverCapacityPercent"], 12.5);
  EXPECT_EQ(figures["longestUnderSeconds"], 90);
  EXPECT_TRUE(figures["adaptations"].is_number_integer());
  for (const FigureName& figure : FigureNames()) EXPECT_TRUE(figures.contains(std::string(figure.name))) << figure.name;
  EXPECT_EQ(json["policies"][0]["metrics"][0]["reads"], "ResponseTime");
}

TEST(Report, SaysInWordsWhatHappened) {
  const std::vector<std::string> expected = {
      "In 10 min it used 0.3333 hours of dynos, at most 4 at a time.",
      "12.5 % of the requests came while there was no capacity for them; 0 % of the time there was too little, 90 s at "
      "the longest.",
      "It scaled out 2 times and in once; 1 of 3 changes went back on the one before within 10 min.",
      "What decided its 20 passes most often: Steady 75 %, ThresholdBreached 25 %."};
  EXPECT_EQ(SummaryWords(Small().policies[0]), expected);
}

// The number of characters that a terminal shows.
size_t Columns(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

TEST(Report, KeepsToTheTerminal) {
  Report report = Small();
  report.policies[0].points = Points(1000);
  for (const size_t columns : {40U, 80U, 120U}) {
    for (const std::string& line : RenderText(report, {.columns = columns})) {
      EXPECT_LE(Columns(line), std::max<size_t>(columns, 78)) << line;
      EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
    }
  }
  const std::string coloured = absl::StrJoin(RenderText(report, {.columns = 80, .colour = true}), "\n");
  EXPECT_NE(coloured.find("\x1b["), std::string::npos);
}

TEST(Report, MarksTheParetoFrontOfAComparison) {
  Report report = Small();
  report.baselines = {{"a", "cheap and harmful", {.server_hours = 0.1, .requests_over_capacity_percent = 20}},
                      {"b", "dear and harmful", {.server_hours = 2, .requests_over_capacity_percent = 13}},
                      {"c", "dear and harmless", {.server_hours = 3}}};
  const std::string text = absl::StrJoin(RenderText(report, {}), "\n");
  for (const char* front : {"* cheap and harmful", "* shop/web", "* dear and harmless", "  dear and harmful"}) {
    EXPECT_TRUE(absl::StrContains(text, absl::StrCat("\n", front))) << front << "\n" << text;
  }
}

TEST(Report, EndsNoScriptOfThePageEarly) {
  const std::string page = RenderHtml(Small());
  EXPECT_FALSE(absl::StrContains(page, "a note </script>"));
  EXPECT_TRUE(absl::StrContains(page, "a note \\u003c/script> with \\u003cmarks>"));
  EXPECT_FALSE(absl::StrContains(page, "@DATA@"));
}

TEST(Report, SpeaksOfSpansInOneUnit) {
  const std::vector<std::pair<absl::Duration, const char*>> cases = {
      {absl::Seconds(0), "0 s"},   {absl::Seconds(5), "5 s"},      {absl::Seconds(90), "90 s"},
      {absl::Minutes(5), "5 min"}, {absl::Minutes(90), "90 min"},  {absl::Hours(2), "2 h"},
      {absl::Hours(36), "36 h"},   {absl::Hours(24 * 14), "14 d"}, {absl::Hours(60), "2.5 d"}};
  for (const auto& [span, words] : cases) EXPECT_EQ(SpanWords(span), words);
}

}  // namespace
}  // namespace ottoscale::backtest
