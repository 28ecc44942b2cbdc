#include "pkg/backtest/series.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"

namespace ottoscale::backtest {
namespace {

// The year 5138; whoever is above it has written milliseconds.
constexpr double kLastSecond = 1e11;
constexpr size_t kShown = 40;  // bytes of what was found, in a message

absl::Status At(size_t line, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", message));
}

std::string Found(absl::string_view text) { return absl::StrCat("'", Printable(Truncate(text, kShown)), "'"); }

absl::string_view Unquoted(absl::string_view field) {
  field = absl::StripAsciiWhitespace(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
  return absl::StripAsciiWhitespace(field);
}

int Digits(absl::string_view text, size_t from, size_t count) {
  int value = 0;
  for (size_t i = from; i < from + count; ++i) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// 2026-03-01T00:05:00Z, which is what nearly every row has: a tenth of the time that the general way takes.
std::optional<absl::Time> ParsePlainUtc(absl::string_view text) {
  constexpr absl::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] != 'd' && kShape[i] != text[i]) return std::nullopt;
  }
  const int year = Digits(text, 0, 4);
  const int month = Digits(text, 5, 2);
  const int day = Digits(text, 8, 2);
  const int hour = Digits(text, 11, 2);
  const int minute = Digits(text, 14, 2);
  const int second = Digits(text, 17, 2);
  if (std::min({year, month, day, hour, minute, second}) < 0) return std::nullopt;
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  // Civil times carry over what does not fit: 30 February is no date.
  if (civil.month() != month || civil.day() != day || civil.hour() != hour || civil.second() != second) {
    return std::nullopt;
  }
  return absl::FromCivil(civil, absl::UTCTimeZone());
}

bool LooksLikeDate(absl::string_view text) {
  return text.size() >= 10 && text[4] == '-' && text[7] == '-' && Digits(text, 0, 4) >= 0;
}

// The time, or what is wrong with it.
absl::StatusOr<absl::Time> ParseTimestamp(absl::string_view text) {
  if (const auto plain = ParsePlainUtc(text)) return *plain;
  double seconds = 0;
  if (!LooksLikeDate(text) && absl::SimpleAtod(text, &seconds)) {
    if (!(std::abs(seconds) <= kLastSecond)) {
      return absl::InvalidArgumentError(
          absl::StrCat("timestamp ", Found(text), " is no number of seconds since 1970",
                       seconds > kLastSecond && seconds < 1e20 ? ": divide it by 1000 if it counts milliseconds" : ""));
    }
    return absl::UnixEpoch() + absl::Seconds(seconds);
  }
  if (LooksLikeDate(text)) {
    std::string spelt(text);
    if (spelt.size() > 10 && (spelt[10] == ' ' || spelt[10] == 't')) spelt[10] = 'T';
    if (spelt.back() == 'z') spelt.back() = 'Z';
    absl::Time at;
    if (absl::ParseTime(absl::RFC3339_full, spelt, &at, nullptr)) return at;
    if (absl::ParseTime("%Y-%m-%d%ET%H:%M:%E*S", spelt, &at, nullptr)) {
      return absl::InvalidArgumentError(
          absl::StrCat("timestamp ", Found(text), " has no time zone: append Z if it is UTC, or +02:00"));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "timestamp ", Found(text), " is neither RFC 3339 (2026-03-01T00:05:00Z) nor a number of seconds since 1970"));
}

absl::StatusOr<double> ParseValue(absl::string_view text) {
  double value = 0;
  if (text.empty()) {
    return absl::InvalidArgumentError("the value is empty: leave the row out, a missing sample is no row");
  }
  if (!absl::SimpleAtod(text, &value) || text.find_first_of("xX") != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat("value ", Found(text), " is not a number"));
  }
  if (!std::isfinite(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("value ", Found(text), " is not finite: leave the row out, a missing sample is no row"));
  }
  if (value < 0)
    return absl::InvalidArgumentError(absl::StrCat("value ", Found(text), " is negative, a load is 0 or more"));
  return value;
}

class Reader {
 public:
  absl::Status Read(absl::string_view text) {
    if (absl::StartsWith(text, "\xff\xfe") || absl::StartsWith(text, "\xfe\xff")) {
      return At(1, "the file is UTF-16: save it as UTF-8");
    }
    absl::ConsumePrefix(&text, "\xef\xbb\xbf");
    if (text.find('\n') == absl::string_view::npos && absl::StripAsciiWhitespace(text).find('\r') != text.npos) {
      return At(1, "the lines end with CR alone: convert them, as with tr '\\r' '\\n'");
    }
    for (size_t line = 1; !text.empty(); ++line) {
      const size_t end = text.find('\n');
      const absl::string_view row = absl::StripAsciiWhitespace(text.substr(0, end));
      text.remove_prefix(end == absl::string_view::npos ? text.size() : end + 1);
      if (row.empty() || row.front() == '#') continue;
      RETURN_IF_ERROR(TakeRow(row, line));
    }
    if (series_.rows.size() < 2) {
      return absl::InvalidArgumentError(absl::StrCat("the series has ", series_.rows.empty() ? "no row" : "one row",
                                                     ": at least two `timestamp,value` are needed"));
    }
    return absl::OkStatus();
  }

  Series Take() { return std::move(series_); }

 private:
  absl::Status TakeRow(absl::string_view row, size_t line) {
    const size_t comma = row.find(',');
    if (comma == absl::string_view::npos) {
      return At(line, absl::StrCat("found ", Found(row), ", expected timestamp,value",
                                   row.find_first_of(";\t") != absl::string_view::npos ? " with a comma between" : ""));
    }
    const absl::string_view first = Unquoted(row.substr(0, comma));
    const absl::string_view second = Unquoted(row.substr(comma + 1));
    if (second.find(',') != absl::string_view::npos) {
      return At(line, "more than two columns, expected timestamp,value: choose one value, as with cut -d, -f1,3");
    }
    const absl::StatusOr<absl::Time> at = ParseTimestamp(first);
    if (!any_ && !at.ok() && IsName(first) && IsName(second)) {
      any_ = true;
      series_.value_name = Printable(Truncate(second, kShown));
      return absl::OkStatus();
    }
    any_ = true;
    if (!at.ok()) return At(line, at.status().message());
    const absl::StatusOr<double> value = ParseValue(second);
    if (!value.ok()) return At(line, value.status().message());
    return Append({.at = *at, .value = *value}, first, line);
  }

  absl::Status Append(SeriesRow row, absl::string_view spelt, size_t line) {
    if (!series_.rows.empty() && row.at <= series_.rows.back().at) {
      if (row.at == series_.rows.back().at) {
        return At(line, absl::StrCat("timestamp ", Found(spelt), " stands on line ", last_line_, " already"));
      }
      return At(line, absl::StrCat("timestamp ", Found(spelt), " is before that of line ", last_line_,
                                   ": sort the rows by time, as with sort"));
    }
    last_line_ = line;
    series_.rows.push_back(row);
    return absl::OkStatus();
  }

  // A header's word: not empty, and no value that went wrong.
  static bool IsName(absl::string_view word) {
    double number = 0;
    return !word.empty() && !LooksLikeDate(word) && !absl::SimpleAtod(word, &number);
  }

  Series series_;
  bool any_ = false;  // a row, the header included
  size_t last_line_ = 0;
};

absl::Duration MedianStep(const std::vector<SeriesRow>& rows) {
  std::vector<absl::Duration> steps;
  steps.reserve(rows.size() - 1);
  for (size_t i = 1; i < rows.size(); ++i) steps.push_back(rows[i].at - rows[i - 1].at);
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>((steps.size() - 1) / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

void Measure(Series& series, std::optional<absl::Duration> gap) {
  series.step = MedianStep(series.rows);
  series.gap = gap.value_or(kGapSteps * series.step);
  double area = 0;
  series.peak = series.rows.front().value;
  for (size_t i = 1; i < series.rows.size(); ++i) {
    const SeriesRow& from = series.rows[i - 1];
    const SeriesRow& to = series.rows[i];
    series.peak = std::max(series.peak, to.value);
    area += (from.value / 2 + to.value / 2) * absl::FDivDuration(to.at - from.at, series.span());
    if (to.at - from.at > series.gap) {
      series.gaps.push_back({.from = from.at + std::min(series.step, series.gap), .to = to.at});
    }
  }
  series.mean = area;
}

}  // namespace

absl::StatusOr<Series> ParseSeries(absl::string_view text, std::optional<absl::Duration> gap) {
  Reader reader;
  RETURN_IF_ERROR(reader.Read(text));
  Series series = reader.Take();
  Measure(series, gap);
  return series;
}

}  // namespace ottoscale::backtest
