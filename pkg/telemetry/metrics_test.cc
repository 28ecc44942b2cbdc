#include "pkg/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pkg/telemetry/number.h"
#include "pkg/telemetry/text_stream.h"

namespace ottoscale::telemetry {
namespace {

using testing::HasSubstr;

TEST(NumberText, IsShortAndReadsBack) {
  const struct {
    double number;
    const char* text;
  } rows[] = {{0, "0"},
              {-3, "-3"},
              {0.1, "0.1"},
              {1500000, "1500000"},
              {9007199254740992, "9007199254740992"},
              {1e300, "1e+300"},
              {1.0 / 3, "0.3333333333333333"},
              {std::nan(""), "NaN"},
              {std::numeric_limits<double>::infinity(), "+Inf"},
              {-std::numeric_limits<double>::infinity(), "-Inf"}};
  for (const auto& row : rows) EXPECT_EQ(NumberText(row.number), row.text);
}

TEST(Sample, EscapesLabelValues) {
  std::string out;
  AppendSample("m", {{"a", "say \"hi\"\\\n"}, {"b", "\xC3\xA9 \xFF\x01"}, {"gone", ""}}, 1.5, out);
  EXPECT_EQ(out, "m{a=\"say \\\"hi\\\"\\\\\\n\",b=\"\xC3\xA9 ??\"} 1.5\n");
}

TEST(Sample, HasNoBracesWithoutLabels) {
  std::string out;
  AppendSample("m", {{"gone", ""}}, 0, out);
  EXPECT_EQ(out, "m 0\n");
}

TEST(Registry, GivesItsFamiliesInOrderWithHelpAndType) {
  Registry registry;
  Counter polls = registry.AddCounter("polls_total", "Polls.\nTwo lines.", {{"result", "success"}});
  registry.AddCounter("polls_total", "Polls.\nTwo lines.", {{"result", "error"}});
  Gauge depth = registry.AddGauge("depth", "Depth.");
  Histogram took = registry.AddHistogram("took_seconds", "Took.", {0.1, 1}, {{"op", "read"}});
  polls.Add(2);
  depth.Set(-1.5);
  took.Observe(absl::Milliseconds(250));
  took.Observe(7);
  EXPECT_EQ(ExpositionText(registry),
            "# HELP depth Depth.\n# TYPE depth gauge\ndepth -1.5\n"
            "# HELP polls_total Polls.\\nTwo lines.\n# TYPE polls_total counter\n"
            "polls_total{result=\"error\"} 0\npolls_total{result=\"success\"} 2\n"
            "# HELP took_seconds Took.\n# TYPE took_seconds histogram\n"
            "took_seconds_bucket{op=\"read\",le=\"0.1\"} 0\ntook_seconds_bucket{op=\"read\",le=\"1\"} 1\n"
            "took_seconds_bucket{op=\"read\",le=\"+Inf\"} 2\ntook_seconds_sum{op=\"read\"} 7.25\n"
            "took_seconds_count{op=\"read\"} 2\n");
}

TEST(Registry, TheSameLabelsAreTheSameSeries) {
  Registry registry;
  registry.AddCounter("a_total", "A.", {{"x", "1"}}).Add();
  EXPECT_EQ(registry.AddCounter("a_total", "A.", {{"x", "1"}}).value(), 1);
}

TEST(RegistryDeathTest, RefusesWhatPrometheusWould) {
  Registry registry;
  registry.AddCounter("a_total", "A.");
  EXPECT_DEATH(registry.AddGauge("a_total", "A."), "another type or help");
  EXPECT_DEATH(registry.AddCounter("a_total", "B."), "another type or help");
  EXPECT_DEATH(registry.AddCounter("a-total", "A."), "not a metric name: a-total");
  EXPECT_DEATH(registry.AddCounter("b_total", ""), "b_total has no help");
  EXPECT_DEATH(registry.AddCounter("b_total", "B.", {{"__x", "1"}}), "not a label name");
  EXPECT_DEATH(registry.AddCounter("b_total", "B.", {{"x", "1"}, {"x", "2"}}), "a label stands twice");
  EXPECT_DEATH(registry.AddSeries({"a_total", "A."}, {}), "was added before");
  EXPECT_DEATH(registry.AddCounter("c_total", "C.").Add(-1), "never goes down");
}

TEST(Registry, SamplesAtTheScrapeAndLeavesOutWhatIsUnknown) {
  Registry registry;
  double value = 1;
  registry.AddSampled({"depth", "Depth."}, {{"q", "a"}}, [&] { return value; });
  registry.AddSampled({"depth", "Depth."}, {{"q", "b"}}, [] { return std::nullopt; });
  registry.AddSampled({"unknown", "Unknown."}, {}, [] { return std::nullopt; });
  value = 2;
  EXPECT_EQ(ExpositionText(registry), "# HELP depth Depth.\n# TYPE depth gauge\ndepth{q=\"a\"} 2\n");
}

TEST(Registry, TakesHistogramsThatAreCountedElsewhere) {
  Registry registry;
  HistogramCounts counts{.bounds = {0.1, 1}, .counts = {2, 0, 3}, .sum = 7.25};
  registry.AddSampledHistogram({"took_seconds", "Took.", MetricType::kHistogram}, {{"op", "read"}},
                               [&counts] { return counts; });
  ++counts.counts[1];
  EXPECT_EQ(ExpositionText(registry),
            "# HELP took_seconds Took.\n# TYPE took_seconds histogram\n"
            "took_seconds_bucket{op=\"read\",le=\"0.1\"} 2\ntook_seconds_bucket{op=\"read\",le=\"1\"} 3\n"
            "took_seconds_bucket{op=\"read\",le=\"+Inf\"} 6\ntook_seconds_sum{op=\"read\"} 7.25\n"
            "took_seconds_count{op=\"read\"} 6\n");
}

// One number per object.
struct Objects {
  std::map<std::string, double> values;
  SeriesWriter Writer() {
    return [this](absl::string_view after, Samples& samples) -> std::optional<std::string> {
      for (auto next = values.upper_bound(std::string(after)); next != values.end(); ++next) {
        samples.Add({{"policy", next->first}}, next->second);
        if (samples.full()) return next->first;
      }
      return std::nullopt;
    };
  }
};

TEST(TextStream, GivesTenThousandObjectsInSlices) {
  Objects objects;
  for (int i = 0; i < 10'000; ++i) objects.values[absl::StrFormat("default/policy-%05d", i)] = i;
  Registry registry;
  registry.AddGauge("a", "A.").Set(1);
  registry.AddSeries({"capacity", "Capacity."}, objects.Writer());
  registry.AddSeries({"wanted", "Wanted."}, objects.Writer());
  TextStream stream(registry);
  std::string whole;
  size_t slices = 0;
  while (const auto slice = stream.Next()) {
    EXPECT_FALSE(slice->empty());
    EXPECT_EQ(slice->back(), '\n');
    EXPECT_LE(slice->size(), (64u << 10) + 200);
    whole += *slice;
    ++slices;
  }
  EXPECT_GT(slices, 10u);
  std::string expected = "# HELP a A.\n# TYPE a gauge\na 1\n";
  for (const char* name : {"capacity", "wanted"}) {
    absl::StrAppend(&expected, "# HELP ", name, name == std::string("wanted") ? " Wanted.\n" : " Capacity.\n",
                    "# TYPE ", name, " gauge\n");
    for (const auto& [policy, value] : objects.values) AppendSample(name, {{"policy", policy}}, value, expected);
  }
  EXPECT_EQ(whole, expected);
}

TEST(TextStream, SurvivesObjectsThatComeAndGoBetweenSlices) {
  Objects objects{{{"a", 1}, {"b", 2}, {"d", 4}}};
  Registry registry;
  registry.AddSeries({"m", "M."}, objects.Writer());
  TextStream stream(registry, 1);
  EXPECT_THAT(*stream.Next(), HasSubstr("policy=\"a\""));
  objects.values.erase("a");
  objects.values.erase("b");
  objects.values["c"] = 3;
  EXPECT_EQ(*stream.Next(), "m{policy=\"c\"} 3\n");
  objects.values.clear();
  EXPECT_EQ(stream.Next(), std::nullopt);
  EXPECT_EQ(stream.Next(), std::nullopt);
}

TEST(TextStream, CutsStoredFamiliesToo) {
  Registry registry;
  for (int i = 0; i < 9; ++i) registry.AddCounter("a_total", "A.", {{"i", absl::StrCat(i)}});
  registry.AddHistogram("b_seconds", "B.", LatencyBuckets());
  TextStream stream(registry, 1);
  std::string whole;
  size_t slices = 0;
  for (; const auto slice = stream.Next(); ++slices) whole += *slice;
  EXPECT_GE(slices, 10u);
  EXPECT_EQ(whole, ExpositionText(registry));
}

TEST(TextStreamDeathTest, AWriterThatDoesNotGoForwardIsADefect) {
  Registry registry;
  registry.AddSeries({"m", "M."}, [](absl::string_view after, Samples&) { return std::optional<std::string>(after); });
  EXPECT_DEATH((void)ExpositionText(registry), "a series writer goes forward");
}

}  // namespace
}  // namespace ottoscale::telemetry
