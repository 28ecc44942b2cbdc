#include "pkg/telemetry/text_stream.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/telemetry/metrics_parts.h"
#include "pkg/telemetry/number.h"

namespace ottoscale::telemetry {
namespace {

Labels Converted(const prometheus::ClientMetric& metric) {
  Labels labels;
  for (const auto& label : metric.label) labels.push_back({label.name, label.value});
  return labels;
}

HistogramCounts Converted(const prometheus::ClientMetric::Histogram& histogram) {
  HistogramCounts counts{.sum = histogram.sample_sum};
  uint64_t below = 0;
  for (const auto& bucket : histogram.bucket) {
    counts.bounds.push_back(bucket.upper_bound);
    counts.counts.push_back(bucket.cumulative_count - below);
    below = bucket.cumulative_count;
  }
  counts.bounds.pop_back();  // +Inf, which the library always adds
  return counts;
}

void AppendStored(const Family& family, const prometheus::ClientMetric& metric, std::string& out) {
  switch (family.type) {
    case MetricType::kCounter: AppendSample(family.name, Converted(metric), metric.counter.value, out); return;
    case MetricType::kGauge: AppendSample(family.name, Converted(metric), metric.gauge.value, out); return;
    case MetricType::kHistogram:
      AppendHistogram(family.name, Converted(metric), Converted(metric.histogram), out);
      return;
  }
}

}  // namespace

// Stored families first, by name, then the live ones, by name. Inside a family the place is an index or a key, so that
// it stays valid whatever happens between two slices.
struct TextStream::Cursor {
  Registry::Parts& parts;
  const size_t slice_bytes;
  bool collected = false;
  std::vector<prometheus::MetricFamily> stored;
  size_t family = 0;         // in `stored`
  size_t metric = 0;         // in `stored[family]`
  std::string live;          // name of the last live family that is finished
  std::string object;        // key of the last object that is written of the next one
  bool header_done = false;  // of the live family that is being written

  void Collect() {
    collected = true;
    stored = parts.stored.Collect();
    std::sort(stored.begin(), stored.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    // The library keeps series in a hash map: their order would differ from run to run.
    for (prometheus::MetricFamily& one : stored) {
      std::sort(one.metric.begin(), one.metric.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
    }
  }

  void AppendStoredFamilies(std::string& out) {
    for (; family < stored.size(); ++family, metric = 0) {
      const Family& known = parts.stored_families.at(stored[family].name);
      while (metric < stored[family].metric.size()) {
        if (out.size() >= slice_bytes) return;
        if (metric == 0) AppendHeader(known, out);
        AppendStored(known, stored[family].metric[metric++], out);
      }
    }
  }

  // True when the family is finished. Its header is written with its first sample: a family without any is left out.
  bool AppendLive(Registry::Parts::Live& one, std::string& out) {
    std::string text;
    if (!header_done) AppendHeader(one.family, text);
    const size_t header = text.size();
    Samples samples(one.family.name, text, slice_bytes > out.size() ? slice_bytes - out.size() : 1);
    bool finished = true;
    if (one.writer != nullptr) {
      const std::optional<std::string> last = one.writer(object, samples);
      finished = !last.has_value();
      CHECK(finished || *last > object, "a series writer goes forward");
      if (last) object = *last;
    }
    for (Registry::Parts::Sampled& sampled : one.sampled) {
      if (sampled.histogram != nullptr) {
        AppendHistogram(one.family.name, sampled.labels, sampled.histogram(), text);
      } else if (const std::optional<double> value = sampled.sampler()) {
        samples.Add(sampled.labels, *value);
      }
    }
    if (text.size() > header) {
      out += text;
      header_done = true;
    }
    return finished;
  }

  void AppendLiveFamilies(std::string& out) {
    for (auto next = parts.live.upper_bound(live); next != parts.live.end(); ++next) {
      while (!AppendLive(next->second, out)) {
        if (out.size() >= slice_bytes) return;
      }
      live = next->first;
      object.clear();
      header_done = false;
      if (out.size() >= slice_bytes) return;
    }
  }
};

TextStream::TextStream(Registry& registry, size_t slice_bytes)
    : cursor_(new Cursor{.parts = *registry.parts_, .slice_bytes = slice_bytes}) {}
TextStream::TextStream(TextStream&&) noexcept = default;
TextStream::~TextStream() = default;

std::optional<std::string> TextStream::Next() {
  if (!cursor_->collected) cursor_->Collect();
  std::string out;
  cursor_->AppendStoredFamilies(out);
  if (out.size() < cursor_->slice_bytes) cursor_->AppendLiveFamilies(out);
  if (out.empty()) return std::nullopt;
  return out;
}

std::string ExpositionText(Registry& registry) {
  TextStream stream(registry);
  std::string text;
  while (const std::optional<std::string> slice = stream.Next()) text += *slice;
  return text;
}

}  // namespace ottoscale::telemetry
