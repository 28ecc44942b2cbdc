// A small plot for a terminal: load, response time against its thresholds, and dynos, newest at the right. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ottoscale::operator_main {

struct PlotPoint {
  double load = 0;                    // requests per second
  std::optional<double> response_ms;  // nullopt: nothing was measured
  int dynos = 0;                      // ordered
  int ready = 0;                      // serving
};

struct PlotStyle {
  size_t width = 60;    // columns of data
  bool colour = false;  // ANSI colours
  double lower_ms = 200;
  double upper_ms = 1000;
};

// Lines without line ends, always the same number for the same style.
std::vector<std::string> RenderPlot(const std::vector<PlotPoint>& points, const PlotStyle& style);

}  // namespace ottoscale::operator_main
