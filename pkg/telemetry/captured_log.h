// A sink that keeps the lines: for tests, and for the world simulations that read the log back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pkg/telemetry/log.h"

namespace ottoscale::telemetry {

class CapturedLog {
 public:
  // For one Log::Options; the lines outlive the sink.
  Sink sink() {
    return [lines = lines_](Level, absl::string_view line) { lines->emplace_back(line); };
  }
  const std::vector<std::string>& lines() const { return *lines_; }

 private:
  std::shared_ptr<std::vector<std::string>> lines_ = std::make_shared<std::vector<std::string>>();
};

}  // namespace ottoscale::telemetry
