// A golden scenario: a policy as people write it, a series of what happens, and the timeline that must come of it.
//
// series.csv has one row a line: `at` in seconds (a row holds until the next one), `heartbeat` and `event`; both may be
// empty. `#` starts a comment, except for `# start TIME`, `# dynos N` and `# boot SECONDS` (until a started dyno is
// ready).
//
// | heartbeat                     | what the source makes of it (design: "Heartbeat outcomes")      |
// |-------------------------------|-----------------------------------------------------------------|
// | 1240ms                        | a sample, or a timeout when it is more than timeoutMilliseconds |
// | timeout                       | as onTimeout says                                               |
// | status 503                    | 5xx: as onServerError says; any other: UnexpectedAnswer         |
// | refused                       | ProbeFailed                                                     |
// | none                          | NotRead                                                         |
//
// | event                         | what happens just before the poll                               |
// |-------------------------------|-----------------------------------------------------------------|
// | scale N                       | a human runs `ps:scale web=N`                                   |
// | maintenance on, off           | a human switches maintenance                                    |
// | refuse, limit N, lose, accept | from here on writes are refused, limited, of unknown end, taken |
// | restart                       | the operator starts anew, with what status remembers            |
// | end                           | the scenario is over                                            |
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/policy/policy.h"

namespace ottoscale::scenarios {

struct Row {
  absl::Duration at;
  std::string heartbeat;
  std::string event;
};

struct Series {
  absl::Time start;
  int dynos = 1;
  absl::Duration boot;
  std::vector<Row> rows;
};

absl::StatusOr<Series> ParseSeries(absl::string_view text);

// The first document of a YAML file that is a ScalingPolicy, checked as everywhere.
absl::StatusOr<policy::ScalingPolicy> ParsePolicy(absl::string_view text);

// One line for each change and each new reason to hold, and one for each event.
std::string Play(const policy::ScalingPolicy& spec, const Series& series);

}  // namespace ottoscale::scenarios
