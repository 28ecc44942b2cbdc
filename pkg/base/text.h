// Text helpers without any domain.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/string_view.h"

namespace ottoscale {

// Debian's Abseil has a string_view of its own; these two are the only conversions between the families.
inline absl::string_view Sv(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view Ssv(absl::string_view text) { return {text.data(), text.size()}; }

// The candidate nearest to `found` when it is near enough to be a slip of the fingers: at most a third of the letters
// inserted, deleted, exchanged or swapped (Damerau-Levenshtein, letter case counts half). Ties go to the first.
std::optional<std::string> ClosestMatch(absl::string_view found, const std::vector<std::string>& candidates);

// "a", "a and b", "a, b and c"; `conjunction` is "and" or "or".
std::string JoinWords(const std::vector<std::string>& words, absl::string_view conjunction);

// Cuts to at most `max_bytes`, at a UTF-8 boundary, ending in "..." when something was cut.
std::string Truncate(absl::string_view text, size_t max_bytes);

// A copy in which every byte that is not part of valid UTF-8, and every control character, is replaced by '?'.
std::string Printable(absl::string_view text);

}  // namespace ottoscale
