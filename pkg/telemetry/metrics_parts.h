// What a Registry consists of; for metrics.cc and text_stream.cc only.
#pragma once

#include <prometheus/registry.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pkg/telemetry/metrics.h"

namespace ottoscale::telemetry {

struct Registry::Parts {
  struct Sampled {
    Labels labels;
    Sampler sampler;             // either of the two is filled
    HistogramSampler histogram;  // when the family is of histograms
  };
  // One family whose series are made while it is scraped: either of the two is filled.
  struct Live {
    Family family;
    std::vector<Sampled> sampled;
    SeriesWriter writer;
  };

  prometheus::Registry stored;
  std::map<std::string, Family> stored_families;  // by name
  std::map<std::string, Live> live;               // by name; entries are never removed

  void AddSampled(const Family& family, Sampled sampled);
};

}  // namespace ottoscale::telemetry
