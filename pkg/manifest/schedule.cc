// spec.schedule: windows of time that change the bounds.
#include <set>

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/manifest/fields.h"
#include "pkg/manifest/spec_parts.h"

namespace ottoscale::manifest {
namespace {

const std::vector<std::string>& Days() {
  static const std::vector<std::string> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                 "Friday", "Saturday", "Sunday"};
  return kDays;
}

std::string Shown(absl::string_view text) { return absl::StrCat("'", Truncate(Printable(text), 64), "'"); }

std::optional<int> ReadClock(ObjectReader& weekly, absl::string_view key, bool is_end) {
  weekly.Require(key, is_end ? "a time such as \"17:00\", or \"24:00\"" : "a time such as \"09:00\"");
  const std::optional<std::string> text = weekly.String(key, {0, 64});
  if (!text) return std::nullopt;
  const std::optional<int> minute = ParseClock(*text);
  if (minute && (*minute < 1440 || is_end)) return minute;
  weekly.Refuse(
      key, is_end
               ? absl::StrCat("must be a time such as \"17:00\", from \"00:00\" to \"24:00\", found ", Shown(*text))
               : absl::StrCat("must be a time such as \"09:00\", from \"00:00\" to \"23:59\", found ", Shown(*text)));
  return std::nullopt;
}

void ReadDays(ObjectReader& weekly, policy::Weekly& out) {
  if (!weekly.Has("days")) return;
  out.days.fill(false);
  for (const ObjectReader::Item& item : weekly.List("days", {1, 7})) {
    const std::string name = item.value->is_string() ? item.value->get<std::string>() : "";
    const auto it = std::find(Days().begin(), Days().end(), name);
    if (it == Days().end()) {
      const std::optional<std::string> near = ClosestMatch(name, Days());
      weekly.report().Add(item.path,
                          absl::StrCat("must be a day from 'Monday' to 'Sunday', found ", codec::Describe(*item.value),
                                       near ? absl::StrCat(", did you mean '", *near, "'?") : ""));
      continue;
    }
    bool& day = out.days.at(static_cast<size_t>(it - Days().begin()));
    if (day) weekly.report().Add(item.path, absl::StrCat("must be listed once, found '", name, "' again"));
    day = true;
  }
}

policy::Weekly ReadWeekly(ObjectReader weekly) {
  policy::Weekly out;
  ReadDays(weekly, out);
  out.start_minute = ReadClock(weekly, "start", false).value_or(0);
  out.end_minute = ReadClock(weekly, "end", true).value_or(1440);
  weekly.Finish();
  return out;
}

std::optional<absl::CivilMinute> ReadLocalTime(ObjectReader& once, absl::string_view key, bool is_end) {
  once.Require(key, "a local time such as \"2026-11-27T00:00\"");
  const std::optional<std::string> text = once.String(key, {0, 64});
  if (!text) return std::nullopt;
  const std::optional<LocalTime> time = ParseLocalTime(*text);
  if (time && (!time->end_of_day || is_end)) return time->time;
  once.Refuse(key,
              absl::StrCat("must be a local time such as \"2026-11-27T00:00\", without a zone, found ", Shown(*text)));
  return std::nullopt;
}

policy::Once ReadOnce(ObjectReader once) {
  const std::optional<absl::CivilMinute> start = ReadLocalTime(once, "start", false);
  const std::optional<absl::CivilMinute> end = ReadLocalTime(once, "end", true);
  if (start && end && *end <= *start) {
    once.Refuse("end", absl::StrCat("must be later than `start` (", once.Find("start")->get<std::string>(), "), found ",
                                    codec::Describe(*once.Find("end"))));
  }
  once.Finish();
  return {.start = start.value_or(absl::CivilMinute()), .end = end.value_or(absl::CivilMinute())};
}

void ReadBounds(ObjectReader& object, policy::Window& out) {
  out.min_capacity = object.Int("minCapacity", {0, kMaxCapacity});
  out.max_capacity = object.Int("maxCapacity", {0, kMaxCapacity});
  if (!object.Has("minCapacity") && !object.Has("maxCapacity")) {
    object.RefuseHere("must set `minCapacity`, `maxCapacity` or both: without them the window does nothing");
  }
  if (out.min_capacity && out.max_capacity && *out.min_capacity > *out.max_capacity) {
    object.Refuse("minCapacity", absl::StrCat("must be less than or equal to maxCapacity (", *out.max_capacity,
                                              "), found ", *out.min_capacity));
  }
}

policy::Window ReadWindow(ObjectReader object, const codec::Path& list, std::set<std::string>& names) {
  policy::Window out;
  object.Require("name", "it names the window in messages");
  out.name = Checked(object, "name", CheckLabel).value_or("");
  if (!out.name.empty() && !names.insert(out.name).second) {
    // The path is that of the list, as a Kubernetes API server has it; the place in the text is that of this window.
    object.report().Add(
        {.text = list.text, .pointer = object.path().pointer},
        absl::StrCat("must have names that are unique among the windows, found '", out.name, "' again"));
  }
  const std::optional<Alternative> type = ReadUnion(object, {{"Weekly", "weekly"}, {"Once", "once"}});
  if (type && absl::string_view(type->type) == "Weekly") out.when = ReadWeekly(object.Object("weekly"));
  if (type && absl::string_view(type->type) == "Once") out.when = ReadOnce(object.Object("once"));
  ReadBounds(object, out);
  object.Finish();
  return out;
}

}  // namespace

policy::Schedule ReadSchedule(ObjectReader& spec) {
  policy::Schedule out;
  ObjectReader schedule = spec.Object("schedule");
  if (!schedule.present()) return out;
  if (const std::optional<std::string> name = schedule.String("timeZone", {1, 64})) {
    const std::optional<absl::TimeZone> zone = LoadZone(*name);
    if (zone) {
      out.time_zone = *name;
      out.zone = *zone;
    } else {
      schedule.Refuse("timeZone", absl::StrCat("must be the IANA name of a time zone, such as 'America/Vancouver' or "
                                               "'UTC', found ",
                                               Shown(*name)));
    }
  }
  std::set<std::string> names;
  for (const ObjectReader::Item& item : schedule.List("windows", {0, kMaxWindows})) {
    out.windows.push_back(
        ReadWindow(ObjectReader(*item.value, item.path, schedule.report()), schedule.path().Key("windows"), names));
  }
  schedule.Finish();
  return out;
}

}  // namespace ottoscale::manifest
