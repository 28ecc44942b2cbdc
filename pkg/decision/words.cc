#include "pkg/decision/words.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace ottoscale::decision {
namespace {

std::string WithoutZeros(std::string text) {
  if (!absl::StrContains(text, '.')) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string TwoDecimals(double value) { return WithoutZeros(absl::StrFormat("%.2f", value)); }

// Whether the reason is why there should be a change at all: a correction of the bounds, or what the metrics say.
bool Proposes(const Reason& reason, int from) {
  if (reason.in != from || reason.out == from) return false;
  return reason.stage == Stage::kStrategy || reason.stage == Stage::kCombine || reason.code == Code::kBelowMin ||
         reason.code == Code::kAboveMax;
}

// The reason that proposed the change that `bound` then limited; nullopt when `bound` speaks for itself.
std::optional<size_t> EvidenceFor(const Decision& decision, size_t bound) {
  if (Proposes(decision.reasons[bound], decision.from)) return std::nullopt;
  std::optional<size_t> found;
  for (size_t i = 0; i < bound; ++i) {
    const Reason& reason = decision.reasons[i];
    if (!Proposes(reason, decision.from)) continue;
    // Among the metrics the lowest speaks, and of equals the first by name; later stages speak for all of them.
    const bool later_stage = found && reason.stage != decision.reasons[*found].stage;
    const auto rank = [&](size_t at) { return std::pair(decision.reasons[at].out, decision.reasons[at].metric); };
    if (!found || later_stage || rank(i) < rank(*found)) found = i;
  }
  return found;
}

std::string Result(const Decision& decision, absl::string_view unit, bool known) {
  if (!known) return "holding";
  if (decision.action == Action::kHold) return absl::StrCat("holding at ", CapacityWords(decision.from, unit));
  return absl::StrCat(decision.from, " \u2192 ", decision.to, " ", unit);
}

}  // namespace

std::string NumberWords(double value) {
  if (std::abs(value) >= 100) return absl::StrFormat("%.0f", value);
  return TwoDecimals(value);
}

std::string ValueWords(double value, double beside, absl::string_view unit) {
  std::string number = NumberWords(value);
  if (number == NumberWords(beside) && value != beside) number = TwoDecimals(value);
  return absl::StrCat(number, unit.empty() ? "" : " ", unit);
}

std::string CapacityWords(int capacity, absl::string_view unit) {
  if (capacity == 1) unit = absl::StripSuffix(unit, "s");
  return absl::StrCat(capacity, " ", unit);
}

std::string DurationWords(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1)));
  if (seconds < 120) return absl::StrCat(seconds, " s");
  if (seconds <= 7200) return absl::StrCat((seconds + 59) / 60, " min");
  return absl::StrCat((seconds + 3599) / 3600, " h");
}

std::string FromWords(absl::string_view window) { return window.empty() ? "" : absl::StrCat(" (", window, ")"); }

std::string ReasonWords(const Reason& reason) {
  return reason.metric.empty() ? reason.detail : absl::StrCat(reason.metric, " ", reason.detail);
}

std::string DecisionWords(const Decision& decision, size_t bound, absl::string_view unit, bool known) {
  const std::string result = Result(decision, unit, known);
  const std::string why = ReasonWords(decision.reasons[bound]);
  const std::optional<size_t> evidence = EvidenceFor(decision, bound);
  if (!evidence) return absl::StrCat(why, ": ", result);
  const std::string because = ReasonWords(decision.reasons[*evidence]);
  if (decision.action == Action::kHold) return absl::StrCat(because, ", but ", why, ": ", result);
  return absl::StrCat(because, ": ", result, " (", why, ")");
}

}  // namespace ottoscale::decision
