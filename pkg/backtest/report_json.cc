// A report as JSON, and a run as rows for a spreadsheet.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "pkg/backtest/report.h"
#include "pkg/codec/json.h"

namespace ottoscale::backtest {
namespace {

using nlohmann::json;

std::string TimeText(absl::Time at) { return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", at, absl::UTCTimeZone()); }

// Six decimals: what is beyond them depends on the order of additions.
double Rounded(double value) { return std::round(value * 1e6) / 1e6; }

json FiguresJson(const simulation::Figures& figures) {
  json object = json::object();
  for (const FigureName& figure : FigureNames()) {
    const double value = figure.value(figures);
    object[std::string(figure.name)] = figure.whole ? json(std::llround(value)) : json(Rounded(value));
  }
  object["requests"] = Rounded(figures.requests);
  return object;
}

json SeriesJson(const Report& report) {
  return {{"file", report.series_name},
          {"valueName", report.series.value_name},
          {"rows", report.series.rows.size()},
          {"start", TimeText(report.series.start())},
          {"end", TimeText(report.series.rows.back().at)},
          {"stepSeconds", Rounded(absl::ToDoubleSeconds(report.series.step))},
          {"gaps", report.series.gaps.size()},
          {"mean", Rounded(report.series.mean)},
          {"peak", Rounded(report.series.peak)}};
}

json BootJson(const simulation::BootTime& boot) {
  if (const auto* fixed = std::get_if<simulation::FixedBoot>(&boot)) {
    return {{"type", "Fixed"}, {"seconds", absl::ToInt64Seconds(fixed->time)}};
  }
  const auto& lognormal = std::get<simulation::LognormalBoot>(boot);
  return {{"type", "Lognormal"},
          {"medianSeconds", absl::ToInt64Seconds(lognormal.median)},
          {"p95Seconds", absl::ToInt64Seconds(lognormal.p95)},
          {"seed", lognormal.seed}};
}

json PlantJson(const simulation::PlantParameters& plant) {
  return {{"capacityPerInstance", plant.capacity},
          {"boot", BootJson(plant.boot)},
          {"meteringWindowSeconds", absl::ToInt64Seconds(plant.metering_window)},
          {"meteringDelaySeconds", absl::ToInt64Seconds(plant.metering_delay)},
          {"serviceMilliseconds", absl::ToDoubleMilliseconds(plant.service_time)},
          {"workersPerInstance", plant.workers},
          {"busiest", plant.busiest},
          {"min", plant.min},
          {"max", plant.max},
          {"stepSeconds", absl::ToInt64Seconds(plant.step)}};
}

json PolicyJson(const PolicyRun& run) {
  json metrics = json::array();
  for (size_t i = 0; i < run.metrics.size(); ++i) {
    metrics.push_back({{"name", run.metrics[i]},
                       {"reads", run.inputs[i].reads == Reads::kLoad ? "Load" : "ResponseTime"},
                       {"unit", run.inputs[i].unit}});
  }
  return {{"name", run.name},
          {"file", run.file},
          {"metrics", std::move(metrics)},
          {"figures", FiguresJson(run.result.figures)},
          {"passes", run.result.passes},
          {"scaleOuts", run.result.scale_outs},
          {"scaleIns", run.result.scale_ins},
          {"reasons", run.result.reasons}};
}

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

std::string RenderJson(const Report& report) {
  json document = {{"version", 1},
                   {"series", SeriesJson(report)},
                   {"plant", PlantJson(report.plant)},
                   {"notes", report.notes},
                   {"policies", json::array()},
                   {"baselines", json::array()},
                   {"assertions", json::array()}};
  for (const PolicyRun& run : report.policies) document["policies"].push_back(PolicyJson(run));
  for (const BaselineRun& run : report.baselines) {
    document["baselines"].push_back({{"name", run.name}, {"title", run.title}, {"figures", FiguresJson(run.figures)}});
  }
  for (const Verdict& verdict : report.verdicts) {
    document["assertions"].push_back(
        {{"holds", verdict.holds}, {"found", verdict.found}, {"sentence", verdict.sentence}});
  }
  return codec::DumpIndented(document);
}

std::string TimelineHeader() {
  return "timestamp,load,ready,ordered,responseMilliseconds,samples,action,reason,message\n";
}

std::string TimelineRow(const Pass& pass) {
  std::string samples;
  for (const decision::Sample& sample : pass.observation.samples) {
    absl::StrAppend(&samples, samples.empty() ? "" : " ",
                    sample.state == decision::SampleState::kMissing
                        ? "-"
                        : absl::StrCat(sample.state == decision::SampleState::kCensored ? ">" : "",
                                       absl::StrFormat("%.6g", sample.value)));
  }
  const simulation::Plant& plant = pass.plant;
  const decision::Decision& decision = pass.decision;
  const char* action = !decision.write ? "Hold" : decision.to > decision.from ? "ScaleOut" : "ScaleIn";
  return absl::StrCat(
      TimeText(pass.now.wall), ",", absl::StrFormat("%.6g", plant.Load()), ",", plant.Ready(), ",", plant.Ordered(),
      ",", plant.Ready() > 0 ? absl::StrFormat("%.6g", absl::ToDoubleMilliseconds(plant.ResponseTime())) : "", ",",
      Quoted(samples), ",", action, ",", decision::CodeName(decision.code), ",", Quoted(pass.Sentence()), "\n");
}

}  // namespace ottoscale::backtest
