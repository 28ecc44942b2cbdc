// The metrics of the process. Two kinds of families:
//
//   * Counters, gauges and histograms that exist from the start, each series with its value 0: AddCounter and its like
//     are called once, by whoever wires the program, and give a handle for the hot path.
//   * Series made at the moment of the scrape: one number (AddSampled), one histogram that is counted elsewhere
//     (AddSampledHistogram), or one set per object (AddSeries), of which there may be ten thousand.
//
// Names, labels and help are constants of ours: a bad name, a second family of the same name with another type or help,
// is a defect and CHECK fails. Everything but the handles belongs to the loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/telemetry/exposition.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace ottoscale::telemetry {

// Handles are cheap values; they live as long as their registry.
class Counter {
 public:
  explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
  void Add(double by = 1);  // by >= 0
  double value() const;

 private:
  prometheus::Counter* counter_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  void Set(double value);
  void Add(double by);
  double value() const;

 private:
  prometheus::Gauge* gauge_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  void Observe(double value);
  void Observe(absl::Duration duration);  // in seconds

 private:
  prometheus::Histogram* histogram_;
};

// Upper bounds in seconds, 5 ms to 60 s, as controller-runtime has them for its reconcile times.
std::vector<double> LatencyBuckets();

// Writes the samples of one family for the objects whose keys come after `after` ("" first), in ascending order, until
// samples.full() or no object is left. Gives the key of the last object that it wrote; nullopt when none was left.
// Objects may come and go between two calls.
using SeriesWriter = absl::AnyInvocable<std::optional<std::string>(absl::string_view after, Samples& samples)>;

// One number at the moment of the scrape; nullopt leaves the sample out.
using Sampler = absl::AnyInvocable<std::optional<double>()>;

// A histogram that somebody else counts.
using HistogramSampler = absl::AnyInvocable<HistogramCounts()>;

class Registry {
 public:
  Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  // The same name with other labels is another series of that family; the same labels give the same series again.
  Counter AddCounter(absl::string_view name, absl::string_view help, const Labels& labels = {});
  Gauge AddGauge(absl::string_view name, absl::string_view help, const Labels& labels = {});
  // `buckets` ascending, without +Inf; the same for all series of the family.
  Histogram AddHistogram(absl::string_view name, absl::string_view help, std::vector<double> buckets,
                         const Labels& labels = {});

  void AddSampled(const Family& family, Labels labels, Sampler sampler);  // several with other labels: one family
  void AddSampledHistogram(const Family& family, Labels labels, HistogramSampler sampler);
  void AddSeries(const Family& family, SeriesWriter writer);

 private:
  friend class TextStream;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ottoscale::telemetry
