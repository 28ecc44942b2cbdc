// The page of a report, report.html, built in. Its data takes the place of the word @DATA@.
#pragma once

#include "absl/strings/string_view.h"

namespace ottoscale::backtest {

absl::string_view PageText();

}  // namespace ottoscale::backtest
