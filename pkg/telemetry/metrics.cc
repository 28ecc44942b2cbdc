#include "pkg/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/telemetry/metrics_parts.h"

namespace ottoscale::telemetry {
namespace {

void CheckFamily(const Family& family) {
  CHECK(ValidMetricName(family.name), absl::StrCat("not a metric name: ", family.name));
  CHECK(!family.help.empty(), absl::StrCat(family.name, " has no help"));
}

prometheus::Labels Checked(const Labels& labels) {
  prometheus::Labels checked;
  for (const Label& label : labels) {
    CHECK(ValidLabelName(label.name), absl::StrCat("not a label name: ", label.name));
    CHECK(checked.emplace(label.name, label.value).second, absl::StrCat("a label stands twice: ", label.name));
  }
  return checked;
}

bool Same(const Family& a, const Family& b) { return a.type == b.type && a.help == b.help; }

// A family of the registry is created by its first series; the later ones must agree with it.
void Agree(std::map<std::string, Family>& families, const Family& family) {
  CheckFamily(family);
  const auto [known, added] = families.emplace(family.name, family);
  CHECK(Same(known->second, family), absl::StrCat(family.name, " was added with another type or help"));
}

}  // namespace

void Counter::Add(double by) {
  CHECK(by >= 0, "a counter never goes down");
  counter_->Increment(by);
}
double Counter::value() const { return counter_->Value(); }

void Gauge::Set(double value) { gauge_->Set(value); }
void Gauge::Add(double by) { gauge_->Increment(by); }
double Gauge::value() const { return gauge_->Value(); }

void Histogram::Observe(double value) { histogram_->Observe(value); }
void Histogram::Observe(absl::Duration duration) { histogram_->Observe(absl::ToDoubleSeconds(duration)); }

std::vector<double> LatencyBuckets() { return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}; }

Registry::Registry() : parts_(std::make_unique<Parts>()) {}
Registry::~Registry() = default;

Counter Registry::AddCounter(absl::string_view name, absl::string_view help, const Labels& labels) {
  Agree(parts_->stored_families, {std::string(name), std::string(help), MetricType::kCounter});
  CHECK(!parts_->live.contains(std::string(name)), absl::StrCat(name, " was added as a live family"));
  auto& family = prometheus::BuildCounter().Name(std::string(name)).Help(std::string(help)).Register(parts_->stored);
  return Counter(family.Add(Checked(labels)));
}

Gauge Registry::AddGauge(absl::string_view name, absl::string_view help, const Labels& labels) {
  Agree(parts_->stored_families, {std::string(name), std::string(help), MetricType::kGauge});
  CHECK(!parts_->live.contains(std::string(name)), absl::StrCat(name, " was added as a live family"));
  auto& family = prometheus::BuildGauge().Name(std::string(name)).Help(std::string(help)).Register(parts_->stored);
  return Gauge(family.Add(Checked(labels)));
}

Histogram Registry::AddHistogram(absl::string_view name, absl::string_view help, std::vector<double> buckets,
                                 const Labels& labels) {
  Agree(parts_->stored_families, {std::string(name), std::string(help), MetricType::kHistogram});
  CHECK(!parts_->live.contains(std::string(name)), absl::StrCat(name, " was added as a live family"));
  CHECK(!buckets.empty() && std::is_sorted(buckets.begin(), buckets.end()), "buckets ascend");
  auto& family = prometheus::BuildHistogram().Name(std::string(name)).Help(std::string(help)).Register(parts_->stored);
  return Histogram(family.Add(Checked(labels), prometheus::Histogram::BucketBoundaries(std::move(buckets))));
}

void Registry::Parts::AddSampled(const Family& family, Sampled sampled) {
  CheckFamily(family);
  CHECK(!stored_families.contains(family.name), absl::StrCat(family.name, " was added before"));
  Checked(sampled.labels);
  Live& one = live[family.name];
  CHECK(one.writer == nullptr, absl::StrCat(family.name, " was added before"));
  CHECK(one.sampled.empty() || Same(one.family, family), absl::StrCat(family.name, " has another type or help"));
  one.family = family;
  one.sampled.push_back(std::move(sampled));
}

void Registry::AddSampled(const Family& family, Labels labels, Sampler sampler) {
  CHECK(family.type != MetricType::kHistogram, "a histogram is not one number");
  parts_->AddSampled(family, {.labels = std::move(labels), .sampler = std::move(sampler)});
}

void Registry::AddSampledHistogram(const Family& family, Labels labels, HistogramSampler sampler) {
  CHECK(family.type == MetricType::kHistogram, "a family of histograms");
  parts_->AddSampled(family, {.labels = std::move(labels), .histogram = std::move(sampler)});
}

void Registry::AddSeries(const Family& family, SeriesWriter writer) {
  CheckFamily(family);
  CHECK(family.type != MetricType::kHistogram, "a series writer gives one number a series");
  CHECK(!parts_->stored_families.contains(family.name) && !parts_->live.contains(family.name),
        absl::StrCat(family.name, " was added before"));
  parts_->live[family.name] = {.family = family, .writer = std::move(writer)};
}

}  // namespace ottoscale::telemetry
