#include "pkg/telemetry/number.h"

#include <array>
#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace ottoscale::telemetry {

std::string NumberText(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  constexpr double kExact = 9007199254740992;  // 2^53: whole numbers up to here are exact
  if (std::abs(number) <= kExact && number == std::trunc(number)) return absl::StrCat(static_cast<int64_t>(number));
  std::array<char, 32> text{};  // a double needs at most 24
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end.ptr};
}

}  // namespace ottoscale::telemetry
