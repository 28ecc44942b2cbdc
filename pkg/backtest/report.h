// What `ottoscale simulate` prints: runs of policies and of baselines on one series and one plant, as text for a
// terminal, as JSON, as a page and as a timeline. Pure: the same report gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "pkg/backtest/assertion.h"
#include "pkg/backtest/backtest.h"
#include "pkg/backtest/series.h"
#include "pkg/backtest/track.h"

namespace ottoscale::backtest {

struct PolicyRun {
  std::string name;  // namespace/name
  std::string file;
  std::string unit;  // of capacity, plural: "dynos"
  std::vector<std::string> metrics;
  std::vector<MetricInput> inputs;  // one a metric
  Result result;
  std::vector<TrackPoint> points;
};

struct BaselineRun {
  std::string name;   // "hpa"
  std::string title;  // for people
  simulation::Figures figures;
};

struct Report {
  std::string series_name;  // the file
  Series series;
  simulation::PlantParameters plant;
  std::vector<std::string> notes;   // whole sentences: what was assumed or left out
  std::vector<PolicyRun> policies;  // the policy, and what it was compared with
  std::vector<BaselineRun> baselines;
  std::vector<Verdict> verdicts;
};

struct TextStyle {
  size_t columns = 80;  // of the terminal
  bool colour = false;
};

// Lines without line ends: what was run, the plot, the summary in words, the table, the notes.
std::vector<std::string> RenderText(const Report& report, const TextStyle& style);
// One document, indented, with a line end.
std::string RenderJson(const Report& report);
// A page that needs nothing else, in dark and light.
std::string RenderHtml(const Report& report);

// "What each metric of the policy reads: heartbeat reads ...". For people.
std::string ReadsWords(const PolicyRun& run);
// The plant in a sentence.
std::string PlantWords(const simulation::PlantParameters& plant, absl::string_view value_name);
// "5 min", "2 h", "14 d"; one unit, rounded to a tenth.
std::string SpanWords(absl::Duration span);
// The run in sentences: cost, damage, restlessness.
std::vector<std::string> SummaryWords(const PolicyRun& run);

// The timeline of one run, a row a pass; spelt for spreadsheets.
std::string TimelineHeader();
std::string TimelineRow(const Pass& pass);

}  // namespace ottoscale::backtest
