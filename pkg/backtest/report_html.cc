// A report as a page of its own: report.html with the data in it.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pkg/backtest/page.h"
#include "pkg/backtest/report.h"
#include "pkg/codec/json.h"

namespace ottoscale::backtest {
namespace {

using nlohmann::json;

double Rounded(double value) { return std::round(value * 1000) / 1000; }

json PointsJson(const std::vector<TrackPoint>& points) {
  json rows = json::array();
  for (const TrackPoint& point : points) {
    rows.push_back({{"at", absl::ToUnixSeconds(point.at)},
                    {"load", Rounded(point.load)},
                    {"mean", Rounded(point.mean_load)},
                    {"ready", point.ready},
                    {"desired", point.desired},
                    {"response", point.response_ms < 0 ? json(nullptr) : json(Rounded(point.response_ms))},
                    {"over", point.over},
                    {"changed", point.changed},
                    {"sentence", point.sentence}});
  }
  return rows;
}

json FiguresJson(const simulation::Figures& figures) {
  json cells = json::array();
  for (const FigureName& figure : FigureNames()) {
    cells.push_back(absl::StrCat(FigureWords(figure.value(figures)), figure.unit.empty() ? "" : " ", figure.unit));
  }
  return cells;
}

json PageData(const Report& report) {
  json data = {{"series", report.series_name},
               {"valueName", report.series.value_name},
               {"capacity", report.plant.capacity},
               {"plant", PlantWords(report.plant, report.series.value_name)},
               {"notes", report.notes},
               {"columns", json::array()},
               {"runs", json::array()},
               {"baselines", json::array()},
               {"assertions", json::array()}};
  for (const FigureName& figure : FigureNames()) {
    data["columns"].push_back({{"name", std::string(figure.name)}, {"words", std::string(figure.words)}});
  }
  for (const PolicyRun& run : report.policies) {
    data["runs"].push_back({{"name", run.name},
                            {"file", run.file},
                            {"unit", run.unit},
                            {"reads", ReadsWords(run)},
                            {"summary", SummaryWords(run)},
                            {"figures", FiguresJson(run.result.figures)},
                            {"points", PointsJson(run.points)}});
  }
  for (const BaselineRun& run : report.baselines) {
    data["baselines"].push_back({{"name", run.title}, {"figures", FiguresJson(run.figures)}});
  }
  for (const Verdict& verdict : report.verdicts) {
    data["assertions"].push_back({{"holds", verdict.holds}, {"sentence", verdict.sentence}});
  }
  return data;
}

}  // namespace

std::string RenderHtml(const Report& report) {
  // Inside a script element nothing ends the data but "</": no "<" is left in it.
  const std::string data = absl::StrReplaceAll(codec::Dump(PageData(report)), {{"<", "\\u003c"}});
  return absl::StrReplaceAll(PageText(), {{"@DATA@", data}});
}

}  // namespace ottoscale::backtest
