// The two formats in which Kubernetes writes a time: metav1.Time (whole seconds) and metav1.MicroTime, both RFC 3339.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace ottoscale::kubeapi {

// "2026-11-25T12:50:15Z": UTC, cut to whole seconds. `time` is finite.
std::string PrintTime(absl::Time time);
// "2026-11-25T12:50:15.000000Z": UTC, cut to microseconds. `time` is finite.
std::string PrintMicroTime(absl::Time time);
// Either format, with any offset and any number of fractional digits. InvalidArgument otherwise.
absl::StatusOr<absl::Time> ParseTime(absl::string_view text);

}  // namespace ottoscale::kubeapi
