// A report on a terminal: what was run, a plot, the summary in words, tables.
#include <algorithm>
#include <cmath>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pkg/backtest/report.h"

namespace ottoscale::backtest {
namespace {

constexpr const char* kEighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr const char* kRed = "\x1b[31m";
constexpr const char* kDim = "\x1b[2m";
constexpr const char* kBold = "\x1b[1m";
constexpr const char* kReset = "\x1b[0m";
constexpr size_t kMargin = 10;  // columns left of a plot
constexpr size_t kLoadRows = 8;
constexpr size_t kDesiredRows = 3;

using Lines = std::vector<std::string>;

std::string Coloured(const TextStyle& style, const char* colour, absl::string_view text) {
  return style.colour ? absl::StrCat(colour, text, kReset) : std::string(text);
}

size_t Width(const TextStyle& style) { return std::clamp<size_t>(style.columns, 40, 160); }

// Breaks at spaces; further lines are indented. Bytes count as columns, so that lines with other letters are shorter.
void Wrap(const std::string& text, size_t columns, const std::string& indent, Lines& lines) {
  std::string line;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    if (!line.empty() && line.size() + 1 + word.size() > columns) {
      lines.push_back(line);
      line = indent + word;
    } else {
      absl::StrAppend(&line, line.empty() ? "" : " ", word);
    }
    begin = end + 1;
  }
  lines.push_back(line);
}

void Section(const std::string& title, const std::string& text, const TextStyle& style, Lines& lines) {
  const size_t first = lines.size();
  Wrap(absl::StrFormat("%-9s %s", title, text), Width(style), std::string(kMargin, ' '), lines);
  if (style.colour)
    lines[first] = kBold + lines[first].substr(0, title.size()) + kReset + lines[first].substr(title.size());
}

std::string TimeText(absl::Time at) { return absl::FormatTime("%Y-%m-%d %H:%M", at, absl::UTCTimeZone()); }

// Times at the left and the right end of the axis.
std::string TimeAxis(const PolicyRun& run, size_t width) {
  const std::string from = TimeText(run.points.front().at);
  const std::string to = TimeText(run.points.back().at) + " UTC";
  const size_t used = from.size() + to.size();
  return std::string(kMargin, ' ') + from + std::string(width > used ? width - used : 1, ' ') + to;
}

// Bars of load; a line where the capacity is; × where the load is above it.
void PlotLoad(const std::vector<TrackPoint>& points, double capacity, const TextStyle& style, Lines& lines) {
  double top = 0;
  for (const TrackPoint& point : points) top = std::max({top, point.load, point.ready * capacity});
  top = top > 0 ? top : 1;
  for (size_t row = kLoadRows; row-- > 0;) {
    std::string line = row == kLoadRows - 1 ? absl::StrFormat("%8s │", FigureWords(top))
                       : row == 0           ? absl::StrFormat("%8s │", "load")
                                            : absl::StrFormat("%8s │", "");
    for (const TrackPoint& point : points) {
      const double load = point.load / top * kLoadRows - static_cast<double>(row);
      const double supply = point.ready * capacity / top * kLoadRows - static_cast<double>(row);
      const bool line_here = supply > 0 && supply <= 1;
      const size_t eighths = static_cast<size_t>(std::clamp(std::lround(load * 8), 0L, 8L));
      if (point.over && line_here) {
        absl::StrAppend(&line, Coloured(style, kRed, "×"));
      } else if (line_here) {
        line += "─";
      } else {
        absl::StrAppend(&line, Coloured(style, point.over && eighths > 0 ? kRed : kDim, kEighths[eighths]));
      }
    }
    lines.push_back(std::move(line));
  }
}

void PlotDesired(const std::vector<TrackPoint>& points, const std::string& unit, const TextStyle& style, Lines& lines) {
  int top = 1;
  for (const TrackPoint& point : points) top = std::max(top, point.desired);
  for (size_t row = kDesiredRows; row-- > 0;) {
    std::string line = row == kDesiredRows - 1 ? absl::StrFormat("%8d │", top)
                       : row == 0              ? absl::StrFormat("%8s │", unit.substr(0, 8))
                                               : absl::StrFormat("%8s │", "");
    for (const TrackPoint& point : points) {
      const double height = static_cast<double>(point.desired) / top * kDesiredRows - static_cast<double>(row);
      const auto eighths = static_cast<size_t>(std::clamp(std::lround(height * 8), 0L, 8L));
      absl::StrAppend(&line, Coloured(style, point.changed ? kBold : kDim, kEighths[eighths]));
    }
    lines.push_back(std::move(line));
  }
}

void Plot(const Report& report, const PolicyRun& run, const TextStyle& style, Lines& lines) {
  if (run.points.empty()) return;
  const size_t width = Width(style) - kMargin;
  const std::vector<TrackPoint> points = Thinned(run.points, width);
  lines.push_back(absl::StrCat(std::string(kMargin, ' '), "█ load   ─ capacity   × more load than capacity"));
  PlotLoad(points, report.plant.capacity, style, lines);
  lines.push_back(absl::StrCat(std::string(kMargin, ' '), "█ desired ", run.unit));
  PlotDesired(points, run.unit, style, lines);
  lines.push_back(TimeAxis(run, points.size()));
}

std::string Value(const FigureName& figure, const simulation::Figures& figures) {
  const double value = figure.value(figures);
  return figure.name == "longestUnderSeconds" ? SpanWords(figures.longest_under)
         : figure.unit.empty()                ? FigureWords(value)
                                              : absl::StrCat(FigureWords(value), " ", figure.unit);
}

// The policies side by side: a row a figure.
void Table(const Report& report, const TextStyle& style, Lines& lines) {
  const bool two = report.policies.size() > 1;
  if (two) {
    lines.push_back(absl::StrFormat("%-29s %14s %14s", "", "policy", "against"));
  }
  for (const FigureName& figure : FigureNames()) {
    std::string line = absl::StrFormat("%-29s", figure.name);
    for (const PolicyRun& run : report.policies)
      absl::StrAppendFormat(&line, " %14s", Value(figure, run.result.figures));
    absl::StrAppend(&line, "   ", two || style.columns < 80 ? "" : figure.words);
    lines.push_back(std::string(absl::StripTrailingAsciiWhitespace(line)));
  }
}

// Cut or filled up to so many characters of UTF-8.
std::string Cell(const std::string& text, size_t columns) {
  std::string cell;
  size_t used = 0;
  for (const char c : text) {
    if ((c & 0xc0) != 0x80 && used++ == columns) break;
    cell += c;
  }
  return cell + std::string(columns - std::min(used, columns), ' ');
}

struct Row {
  std::string name;
  const simulation::Figures* figures;
  bool prophet = false;  // knows the future
};

// Nothing costs less and hurts less at the same time, but for what knows the future.
bool OnFront(const Row& row, const std::vector<Row>& rows) {
  if (row.prophet) return false;
  const auto cost = [](const Row& r) { return r.figures->server_hours; };
  const auto damage = [](const Row& r) { return r.figures->requests_over_capacity_percent; };
  return std::none_of(rows.begin(), rows.end(), [&](const Row& other) {
    return !other.prophet && cost(other) <= cost(row) && damage(other) <= damage(row) &&
           (cost(other) < cost(row) || damage(other) < damage(row));
  });
}

void Comparison(const Report& report, Lines& lines) {
  if (report.baselines.empty()) return;
  std::vector<Row> rows;
  for (const PolicyRun& run : report.policies) rows.push_back({run.name, &run.result.figures});
  for (const BaselineRun& run : report.baselines) rows.push_back({run.title, &run.figures, run.name == "oracle"});
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::tie(a.figures->server_hours, a.name) < std::tie(b.figures->server_hours, b.name);
  });
  lines.push_back(
      absl::StrFormat("%-36s %9s %9s %9s %8s", "by instance hours", "hours", "% over", "% short", "changes"));
  for (const Row& row : rows) {
    lines.push_back(absl::StrFormat("%s %s %9s %9s %9s %8d", OnFront(row, rows) ? "*" : " ", Cell(row.name, 34),
                                    FigureWords(row.figures->server_hours),
                                    FigureWords(row.figures->requests_over_capacity_percent),
                                    FigureWords(row.figures->tau_under_percent), row.figures->adaptations));
  }
  lines.push_back("* nothing here but the oracle has fewer hours and no more requests over capacity");
}

std::string SeriesWords(const Report& report) {
  const Series& series = report.series;
  return absl::StrCat(report.series_name, ": ", series.rows.size(), " rows of ", series.value_name, " from ",
                      TimeText(series.start()), " UTC, ", SpanWords(series.span()), " in steps of ",
                      SpanWords(series.step), "; mean ", FigureWords(series.mean), ", peak ", FigureWords(series.peak),
                      series.gaps.empty()       ? ""
                      : series.gaps.size() == 1 ? "; 1 gap without samples"
                                                : absl::StrCat("; ", series.gaps.size(), " gaps without samples"));
}

}  // namespace

std::vector<std::string> RenderText(const Report& report, const TextStyle& style) {
  Lines lines;
  for (size_t i = 0; i < report.policies.size(); ++i) {
    const PolicyRun& run = report.policies[i];
    Section(i == 0 ? "policy" : "against", absl::StrCat(run.name, " (", run.file, "): ", ReadsWords(run)), style,
            lines);
  }
  Section("series", SeriesWords(report), style, lines);
  Section("plant", PlantWords(report.plant, report.series.value_name), style, lines);
  for (const std::string& note : report.notes) Section("note", note, style, lines);
  for (const PolicyRun& run : report.policies) {
    lines.emplace_back();
    if (report.policies.size() > 1) lines.push_back(Coloured(style, kBold, run.name));
    Plot(report, run, style, lines);
    lines.emplace_back();
    for (const std::string& sentence : SummaryWords(run)) Wrap(sentence, Width(style), "  ", lines);
  }
  lines.emplace_back();
  Table(report, style, lines);
  if (!report.baselines.empty()) lines.emplace_back();
  Comparison(report, lines);
  return lines;
}

}  // namespace ottoscale::backtest
