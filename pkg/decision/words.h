// The sentences. Numbers in words, and the one sentence that says what was decided and why.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/decision/decision.h"

namespace ottoscale::decision {

// "1240", "37.5": at most two decimals, none from 100 on.
std::string NumberWords(double value);
// "1240 ms"; without a unit the number alone. `beside` is the threshold that it is compared with: where both would read
// the same and are not, decimals are shown.
std::string ValueWords(double value, double beside, absl::string_view unit);
// "3 dynos", "1 dyno".
std::string CapacityWords(int capacity, absl::string_view unit);
// "80 s", "5 min", "3 h": rounded up.
std::string DurationWords(absl::Duration duration);
// " (office-hours)", or "" for the spec's own bound.
std::string FromWords(absl::string_view window);
// The metric's name and the detail: "heartbeat 1240 ms is above 1000 ms for 3 of 3 samples".
std::string ReasonWords(const Reason& reason);

// `heartbeat 1240 ms is above 1000 ms for 3 of 3 samples: 2 → 3 dynos`. `bound` is the index of the reason that bound
// the result; `known`: whether the target could be read, so that there is a capacity to speak of.
std::string DecisionWords(const Decision& decision, size_t bound, absl::string_view unit, bool known);

}  // namespace ottoscale::decision
