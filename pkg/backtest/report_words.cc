// The sentences of a report.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "pkg/backtest/report.h"
#include "pkg/base/text.h"

namespace ottoscale::backtest {
namespace {

std::string Times(int64_t count) { return count == 1 ? "once" : absl::StrCat(count, " times"); }

std::string BootWords(const simulation::BootTime& boot) {
  if (const auto* fixed = std::get_if<simulation::FixedBoot>(&boot)) return SpanWords(fixed->time);
  const auto& lognormal = std::get<simulation::LognormalBoot>(boot);
  return absl::StrCat(SpanWords(lognormal.median), " (half of them; 95 % in ", SpanWords(lognormal.p95), ")");
}

// What held the policy most often, of the reasons that are worth a word.
std::string ReasonsWords(const Result& result) {
  std::vector<std::pair<int64_t, std::string>> most;  // negative, so that they ascend
  for (const auto& [reason, passes] : result.reasons) most.emplace_back(-passes, reason);
  std::sort(most.begin(), most.end());
  if (most.size() > 4) most.resize(4);
  return absl::StrJoin(most, ", ", [&](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry.second, " ",
                    FigureWords(-100 * static_cast<double>(entry.first) / static_cast<double>(result.passes)), " %");
  });
}

}  // namespace

std::string SpanWords(absl::Duration span) {
  const struct {
    absl::Duration unit;
    const char* name;
  } units[] = {{absl::Hours(24), "d"}, {absl::Hours(1), "h"}, {absl::Minutes(1), "min"}, {absl::Seconds(1), "s"}};
  for (const auto& unit : units) {
    // From two of them on: 90 min says more than 1.5 h.
    if (span < 2 * unit.unit && unit.unit > absl::Seconds(1)) continue;
    const std::string count = absl::StrFormat("%.1f", absl::FDivDuration(span, unit.unit));
    return absl::StrCat(absl::StripSuffix(count, ".0"), " ", unit.name);
  }
  return "0 s";
}

std::string ReadsWords(const PolicyRun& run) {
  std::vector<std::string> words;
  for (size_t i = 0; i < run.metrics.size(); ++i) {
    const MetricInput& input = run.inputs[i];
    words.push_back(absl::StrCat(run.metrics[i], " reads the ",
                                 input.reads == Reads::kLoad ? absl::StrCat("load (", input.unit, ")")
                                                             : "response time of the plant's model (ms)"));
  }
  return words.empty() ? "it has no metric" : JoinWords(words, "and");
}

std::string PlantWords(const simulation::PlantParameters& plant, absl::string_view value_name) {
  return absl::StrCat("one instance serves ", FigureWords(plant.capacity), " ",
                      absl::StrReplaceAll(value_name, {{"_", " "}}), ", boots in ", BootWords(plant.boot),
                      "; the load is seen as a mean over ", SpanWords(plant.metering_window), ", ",
                      SpanWords(plant.metering_delay), " late; a request takes ",
                      FigureWords(absl::ToDoubleMilliseconds(plant.service_time)), " ms when idle; ", plant.min, " to ",
                      plant.max, " instances");
}

std::vector<std::string> SummaryWords(const PolicyRun& run) {
  const simulation::Figures& figures = run.result.figures;
  std::vector<std::string> words;
  words.push_back(absl::StrCat("In ", SpanWords(figures.span), " it used ", FigureWords(figures.server_hours),
                               " hours of ", run.unit, ", at most ", figures.peak_instances, " at a time."));
  if (figures.longest_under == absl::ZeroDuration()) {
    words.push_back("At no time was there less capacity than load.");
  } else {
    words.push_back(absl::StrCat(FigureWords(figures.requests_over_capacity_percent),
                                 " % of the requests came while there was no capacity for them; ",
                                 FigureWords(figures.tau_under_percent), " % of the time there was too little, ",
                                 SpanWords(figures.longest_under), " at the longest."));
  }
  words.push_back(absl::StrCat("It scaled out ", Times(run.result.scale_outs), " and in ", Times(run.result.scale_ins),
                               "; ", figures.reversals, " of ", figures.adaptations,
                               " changes went back on the one before within 10 min."));
  words.push_back(
      absl::StrCat("What decided its ", run.result.passes, " passes most often: ", ReasonsWords(run.result), "."));
  return words;
}

}  // namespace ottoscale::backtest
