#include "pkg/kubeapi/time_format.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"
#include "pkg/base/text.h"

namespace ottoscale::kubeapi {
namespace {

// Abseil would also take spaces, "infinite-future" and years of any length.
bool LooksLikeRfc3339(absl::string_view text) {
  constexpr absl::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size() || text.size() > 64) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = absl::ascii_isdigit(static_cast<unsigned char>(text[i]));
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return false;
  }
  return !absl::ascii_isspace(static_cast<unsigned char>(text.back()));
}

std::string Format(absl::string_view format, absl::Time time) {
  CHECK(time > absl::InfinitePast() && time < absl::InfiniteFuture(), "an infinite time has no text");
  return absl::FormatTime(format, time, absl::UTCTimeZone());
}

}  // namespace

std::string PrintTime(absl::Time time) { return Format("%Y-%m-%d%ET%H:%M:%SZ", time); }

std::string PrintMicroTime(absl::Time time) { return Format("%Y-%m-%d%ET%H:%M:%E6SZ", time); }

absl::StatusOr<absl::Time> ParseTime(absl::string_view text) {
  absl::Time time;
  std::string error;
  if (!LooksLikeRfc3339(text) || !absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", Printable(Truncate(text, 40)), "' is not a time like 2026-01-31T09:00:00Z"));
  }
  return time;
}

}  // namespace ottoscale::kubeapi
