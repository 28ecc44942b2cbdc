// Text made safe for one line of output. Invalid UTF-8 becomes '?'; control characters, line separators (U+0085,
// U+2028, U+2029) and characters that reverse the reading direction become escapes, so that what comes from a network
// can neither start a line of its own, nor steer a terminal, nor look like something else.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace ottoscale::telemetry {

// Appends `text` as it stands inside the quotes of a JSON string: \" \\ \n \r \t \u001b. Also what logfmt readers undo.
void AppendEscaped(absl::string_view text, std::string& out);

// Appends a logfmt value: as it is when it needs no quotes, else quoted and escaped.
void AppendLogfmtValue(absl::string_view text, std::string& out);

// Appends a Prometheus label value, without its quotes: \\ \" \n are the only escapes of that format, every other
// control character becomes '?'.
void AppendLabelValue(absl::string_view text, std::string& out);

// Appends the text of a HELP line: \\ and \n are its only escapes.
void AppendHelp(absl::string_view text, std::string& out);

// A copy of `name` that is a plain word in each format: letters, digits, "_", ".", "-" and "/" stay, others become '_'.
std::string FieldName(absl::string_view name);

}  // namespace ottoscale::telemetry
