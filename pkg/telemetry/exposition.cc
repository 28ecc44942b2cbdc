#include "pkg/telemetry/exposition.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/telemetry/escape.h"
#include "pkg/telemetry/number.h"

namespace ottoscale::telemetry {
namespace {

bool ValidName(absl::string_view name, bool colons) {
  const auto plain = [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || (colons && c == ':');
  };
  return !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), plain);
}

absl::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
  }
  return "untyped";
}

}  // namespace

bool ValidMetricName(absl::string_view name) { return ValidName(name, true); }
bool ValidLabelName(absl::string_view name) { return ValidName(name, false) && !absl::StartsWith(name, "__"); }

void AppendHeader(const Family& family, std::string& out) {
  absl::StrAppend(&out, "# HELP ", family.name, " ");
  AppendHelp(family.help, out);
  absl::StrAppend(&out, "\n# TYPE ", family.name, " ", TypeName(family.type), "\n");
}

void AppendSample(absl::string_view name, const Labels& labels, double value, std::string& out) {
  absl::StrAppend(&out, name);
  char separator = '{';
  for (const Label& label : labels) {
    if (label.value.empty()) continue;
    out += separator;
    absl::StrAppend(&out, label.name, "=\"");
    AppendLabelValue(label.value, out);
    out += '"';
    separator = ',';
  }
  absl::StrAppend(&out, separator == ',' ? "} " : " ", NumberText(value), "\n");
}

void AppendHistogram(absl::string_view name, Labels labels, const HistogramCounts& histogram, std::string& out) {
  CHECK(histogram.counts.size() == histogram.bounds.size() + 1, "one count a bucket");
  const std::string bucket = absl::StrCat(name, "_bucket");
  labels.push_back({"le", ""});
  uint64_t count = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    count += histogram.counts[i];
    const bool last = i == histogram.bounds.size();
    labels.back().value = NumberText(last ? std::numeric_limits<double>::infinity() : histogram.bounds[i]);
    AppendSample(bucket, labels, static_cast<double>(count), out);
  }
  labels.pop_back();
  AppendSample(absl::StrCat(name, "_sum"), labels, histogram.sum, out);
  AppendSample(absl::StrCat(name, "_count"), labels, static_cast<double>(count), out);
}

}  // namespace ottoscale::telemetry
