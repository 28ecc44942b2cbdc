// What single strings have to look like. Each rule returns nothing when `text` is good, else the sentence that says
// what is allowed and what was found. Internal to pkg/manifest.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace ottoscale::manifest {

using Rule = std::optional<std::string> (*)(absl::string_view text);

// RFC 1123 label: names of metrics, windows, namespaces. At most 63 characters.
std::optional<std::string> CheckLabel(absl::string_view text);
// RFC 1123 subdomain: names of objects. At most 253 characters.
std::optional<std::string> CheckName(absl::string_view text);
// A key of a Secret.
std::optional<std::string> CheckSecretKey(absl::string_view text);
// The address of an API: http or https, a host, a path at most.
std::optional<std::string> CheckApiUrl(absl::string_view text);
// smtp or smtps, a host and perhaps a port.
std::optional<std::string> CheckMailServer(absl::string_view text);

// An IANA time zone that this machine knows. Paths, `localtime` and other things that Abseil would load are no names.
std::optional<absl::TimeZone> LoadZone(absl::string_view name);

// "09:00" in minutes since midnight; "24:00" is 1440. nullopt: not of this form.
std::optional<int> ParseClock(absl::string_view text);
// "2026-11-27T00:00", "2026-11-30T24:00"; nullopt: not of this form, or no such day.
struct LocalTime {
  absl::CivilMinute time;
  bool end_of_day = false;  // written as 24:00
};
std::optional<LocalTime> ParseLocalTime(absl::string_view text);

}  // namespace ottoscale::manifest
