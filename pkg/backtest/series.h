// A recorded load, as `ottoscale simulate --series` reads it. Pure: text in, rows out.
//
//   # comments and empty lines are skipped
//   timestamp,requests_per_minute        a header is optional; its second word names the value
//   2026-03-01T00:00:00Z,840             RFC 3339, or seconds since 1970
//   2026-03-01T00:05:00Z,910.5           a rate, 0 or more, that holds around its time
//
// Steps may be uneven. Where two rows are further apart than a gap, nothing is known in between: the plant bridges it
// with a straight line, and a policy's metrics have no sample there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ottoscale::backtest {

struct SeriesRow {
  absl::Time at;
  double value = 0;  // finite, 0 or more
  bool operator==(const SeriesRow&) const = default;
};

// No sample from `from` until before `to`, the first row behind it.
struct Gap {
  absl::Time from;
  absl::Time to;
  bool operator==(const Gap&) const = default;
};

struct Series {
  std::string value_name = "load";  // the header's
  std::vector<SeriesRow> rows;      // at least two, ascending
  absl::Duration step;              // median distance of two rows
  absl::Duration gap;               // rows further apart have a gap between them
  std::vector<Gap> gaps;            // ascending; each begins one median step behind the row before it
  double peak = 0;
  double mean = 0;  // over the time, on straight lines between the rows

  absl::Time start() const { return rows.front().at; }
  absl::Duration span() const { return rows.back().at - rows.front().at; }
};

// Rows that are further apart than this many median steps have a gap between them, unless it is said otherwise.
inline constexpr int kGapSteps = 3;

// InvalidArgument: one sentence that begins with the line, "line 7: ...". `gap`: above 0; absent: kGapSteps.
absl::StatusOr<Series> ParseSeries(absl::string_view text, std::optional<absl::Duration> gap = std::nullopt);

}  // namespace ottoscale::backtest
