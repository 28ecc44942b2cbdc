// The Prometheus text format 0.0.4, line by line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ottoscale::telemetry {

constexpr absl::string_view kExpositionContentType = "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType { kCounter, kGauge, kHistogram };

struct Family {
  std::string name;
  std::string help;
  MetricType type = MetricType::kGauge;
};

struct Label {
  std::string name;
  std::string value;
};
using Labels = std::vector<Label>;

// "[a-zA-Z_:][a-zA-Z0-9_:]*"; for labels without ":" and not beginning with "__".
bool ValidMetricName(absl::string_view name);
bool ValidLabelName(absl::string_view name);

// Appends "# HELP ..." and "# TYPE ...".
void AppendHeader(const Family& family, std::string& out);

// Appends `name{label="value",...} 1.5` and a line end. Label values may be any bytes: they are escaped, and what is
// not UTF-8 becomes '?'. Labels with an empty value are left out: for Prometheus that is the same.
void AppendSample(absl::string_view name, const Labels& labels, double value, std::string& out);

// What a histogram has counted.
struct HistogramCounts {
  std::vector<double> bounds;    // ascending upper bounds, inclusive, without +Inf
  std::vector<uint64_t> counts;  // one for each bound and one for what is above; not cumulative
  double sum = 0;
};

// Appends name_bucket, name_sum and name_count.
void AppendHistogram(absl::string_view name, Labels labels, const HistogramCounts& histogram, std::string& out);

// Where a SeriesWriter puts the samples of its family.
class Samples {
 public:
  Samples(absl::string_view name, std::string& out, size_t limit) : name_(name), out_(out), limit_(limit) {}
  void Add(const Labels& labels, double value) { AppendSample(name_, labels, value, out_); }
  // True when the writer should stop at the next object: this slice is large enough.
  bool full() const { return out_.size() >= limit_; }

 private:
  absl::string_view name_;
  std::string& out_;
  size_t limit_;
};

}  // namespace ottoscale::telemetry
