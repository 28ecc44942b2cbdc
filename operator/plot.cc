#include "operator/plot.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ottoscale::operator_main {
namespace {

constexpr const char* kEighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr const char* kRed = "\x1b[31m";
constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kDim = "\x1b[2m";
constexpr const char* kReset = "\x1b[0m";

// One cell of a bar of `value` (in rows) in row `row` counted from the bottom.
const char* Cell(double value, size_t row) {
  const double eighths = (value - static_cast<double>(row)) * 8;
  return kEighths[static_cast<size_t>(std::clamp(std::lround(eighths), 0L, 8L))];
}

struct Band {
  std::string title;
  size_t rows;
  double top;  // value of the upper edge
  std::function<std::optional<double>(const PlotPoint&)> value;
  std::function<const char*(const PlotPoint&)> colour;
};

void RenderBand(const Band& band, const std::vector<PlotPoint>& points, const PlotStyle& style,
                std::vector<std::string>& out) {
  for (size_t from_top = 0; from_top < band.rows; ++from_top) {
    const size_t row = band.rows - 1 - from_top;
    std::string line = absl::StrFormat("%-10s", from_top == 0 ? band.title : "");
    absl::StrAppend(&line, from_top == 0 ? absl::StrFormat("%6.0f ", band.top) : "       ", "│");
    for (size_t i = points.size(); i < style.width; ++i) line += ' ';
    for (const PlotPoint& point : points) {
      const std::optional<double> value = band.value(point);
      const char* cell = value ? Cell(*value / band.top * static_cast<double>(band.rows), row) : (row == 0 ? "·" : " ");
      if (style.colour) {
        absl::StrAppend(&line, band.colour(point), cell, kReset);
      } else {
        line += cell;
      }
    }
    out.push_back(std::move(line));
  }
}

double TopOf(const std::vector<PlotPoint>& points, double least, const std::function<double(const PlotPoint&)>& value) {
  double top = least;
  for (const PlotPoint& point : points) top = std::max(top, value(point));
  return top;
}

}  // namespace

std::vector<std::string> RenderPlot(const std::vector<PlotPoint>& points, const PlotStyle& style) {
  const size_t skip = points.size() > style.width ? points.size() - style.width : 0;
  const std::vector<PlotPoint> shown(points.begin() + static_cast<std::ptrdiff_t>(skip), points.end());
  const PlotPoint last = shown.empty() ? PlotPoint{} : shown.back();
  std::vector<std::string> out;
  RenderBand({.title = "load r/s",
              .rows = 3,
              .top = TopOf(shown, 1, [](const PlotPoint& p) { return p.load; }),
              .value = [](const PlotPoint& p) { return std::optional(p.load); },
              .colour = [](const PlotPoint&) { return kDim; }},
             shown, style, out);
  RenderBand({.title = "resp. ms",
              .rows = 4,
              .top = TopOf(shown, 1.5 * style.upper_ms, [](const PlotPoint& p) { return p.response_ms.value_or(0); }),
              .value = [](const PlotPoint& p) { return p.response_ms; },
              .colour =
                  [&style](const PlotPoint& p) {
                    if (p.response_ms.value_or(0) > style.upper_ms) return kRed;
                    return p.response_ms.value_or(0) < style.lower_ms ? kGreen : kReset;
                  }},
             shown, style, out);
  RenderBand({.title = "dynos",
              .rows = 2,
              .top = TopOf(shown, 4, [](const PlotPoint& p) { return static_cast<double>(p.dynos); }),
              .value = [](const PlotPoint& p) { return std::optional(static_cast<double>(p.dynos)); },
              .colour = [](const PlotPoint& p) { return p.ready < p.dynos ? kDim : kReset; }},
             shown, style, out);
  out.push_back(absl::StrFormat("%17s load %.0f requests/s   response %s   %d dynos (%d ready)", "now:", last.load,
                                last.response_ms ? absl::StrFormat("%.0f ms", *last.response_ms) : "-", last.dynos,
                                last.ready));
  return out;
}

}  // namespace ottoscale::operator_main
