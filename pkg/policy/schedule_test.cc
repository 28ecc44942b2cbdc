#include "pkg/policy/schedule.h"

#include <gtest/gtest.h>

namespace ottoscale::policy {
namespace {

absl::TimeZone Zone(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

absl::Time Utc(const char* text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

constexpr int At(int hour, int minute = 0) { return hour * 60 + minute; }

constexpr std::array<bool, 7> kWeekdays = {true, true, true, true, true, false, false};
constexpr std::array<bool, 7> kFriday = {false, false, false, false, true, false, false};
constexpr std::array<bool, 7> kEveryDay = {true, true, true, true, true, true, true};

struct OpenCase {
  const char* what;
  const char* zone;
  Weekly weekly;
  const char* now;
  bool open;
};

TEST(OpenAt, FollowsTheLocalClock) {
  const Weekly office{kWeekdays, At(9), At(17)};
  const Weekly night{kFriday, At(22), At(6)};
  const Weekly half{kEveryDay, At(9, 30), At(10)};
  const OpenCase cases[] = {
      {"a minute before", "America/Vancouver", office, "2026-03-02T08:59:59-08:00", false},
      {"start inclusive", "America/Vancouver", office, "2026-03-02T09:00:00-08:00", true},
      {"inside", "America/Vancouver", office, "2026-03-02T12:00:00-08:00", true},
      {"end exclusive", "America/Vancouver", office, "2026-03-02T17:00:00-08:00", false},
      {"Saturday", "America/Vancouver", office, "2026-03-07T12:00:00-08:00", false},
      {"Sunday in UTC, Monday in Auckland", "Pacific/Auckland", office, "2026-03-01T21:00:00Z", true},
      {"the night's start", "UTC", night, "2026-03-06T22:00:00Z", true},
      {"across midnight, day of the start", "UTC", night, "2026-03-07T05:59:59Z", true},
      {"the night's end", "UTC", night, "2026-03-07T06:00:00Z", false},
      {"the morning of the day itself", "UTC", night, "2026-03-06T03:00:00Z", false},
      {"9:30 is not 9:00", "UTC", half, "2026-03-06T09:00:00Z", false},
      {"9:30", "UTC", half, "2026-03-06T09:30:00Z", true},
      {"24:00 lasts to midnight", "UTC", {kFriday, At(17), At(24)}, "2026-03-06T23:59:59Z", true},
      {"24:00 ends at midnight", "UTC", {kFriday, At(17), At(24)}, "2026-03-07T00:00:00Z", false},
      {"equal start and end last a day", "UTC", {kFriday, At(8), At(8)}, "2026-03-07T07:59:59Z", true},
      {"a day, and no longer", "UTC", {kFriday, At(8), At(8)}, "2026-03-07T08:00:00Z", false},
  };
  for (const OpenCase& c : cases) {
    EXPECT_EQ(OpenAt({.name = "w", .when = c.weekly}, Zone(c.zone), Utc(c.now)), c.open) << c.what;
  }
}

// Vancouver: 2026-03-08 02:00 PST jumps to 03:00 PDT (10:00Z); 2025-11-02 02:00 PDT falls back to 01:00 PST (09:00Z).
// Lord Howe: 2025-04-06 02:00 +11 falls back to 01:30 +10:30 (15:00Z the day before); 2025-10-05 02:00 +10:30 jumps to
// 02:30 +11 (15:30Z the day before). Only days that are past: governments change their minds (British Columbia has no
// clock change in autumn 2026 any more).
TEST(OpenAt, GoesThroughGapsAndOverlaps) {
  const OpenCase cases[] = {
      {"start in the gap: not before the jump",
       "America/Vancouver",
       {kEveryDay, At(2, 30), At(5)},
       "2026-03-08T09:59:59Z",
       false},
      {"start in the gap: at the jump",
       "America/Vancouver",
       {kEveryDay, At(2, 30), At(5)},
       "2026-03-08T10:00:00Z",
       true},
      {"end in the gap: until the jump",
       "America/Vancouver",
       {kEveryDay, At(1), At(2, 30)},
       "2026-03-08T09:59:59Z",
       true},
      {"end in the gap: at the jump",
       "America/Vancouver",
       {kEveryDay, At(1), At(2, 30)},
       "2026-03-08T10:00:00Z",
       false},
      {"wholly in the gap", "America/Vancouver", {kEveryDay, At(2, 10), At(2, 50)}, "2026-03-08T10:00:00Z", false},
      {"wholly in the gap, before",
       "America/Vancouver",
       {kEveryDay, At(2, 10), At(2, 50)},
       "2026-03-08T09:59:59Z",
       false},
      {"overlap: first occurrence of the start",
       "America/Vancouver",
       {kEveryDay, At(1, 30), At(1, 45)},
       "2025-11-02T08:30:00Z",
       true},
      {"overlap: first occurrence of the end",
       "America/Vancouver",
       {kEveryDay, At(1, 30), At(1, 45)},
       "2025-11-02T08:45:00Z",
       false},
      {"overlap: once", "America/Vancouver", {kEveryDay, At(1, 30), At(1, 45)}, "2025-11-02T09:30:00Z", false},
      {"overlap: a start stays started",
       "America/Vancouver",
       {kEveryDay, At(1, 30), At(3)},
       "2025-11-02T09:10:00Z",
       true},
      {"overlap: an end stays ended",
       "America/Vancouver",
       {kEveryDay, At(0), At(1, 30)},
       "2025-11-02T09:10:00Z",
       false},
      {"half an hour's gap: before",
       "Australia/Lord_Howe",
       {kEveryDay, At(2, 15), At(5)},
       "2025-10-04T15:29:59Z",
       false},
      {"half an hour's gap: at the jump",
       "Australia/Lord_Howe",
       {kEveryDay, At(2, 15), At(5)},
       "2025-10-04T15:30:00Z",
       true},
      {"half an hour's overlap: first",
       "Australia/Lord_Howe",
       {kEveryDay, At(1, 45), At(5)},
       "2025-04-05T14:45:00Z",
       true},
      {"half an hour's overlap: before",
       "Australia/Lord_Howe",
       {kEveryDay, At(1, 45), At(5)},
       "2025-04-05T14:44:59Z",
       false},
      {"a day that never was", "Pacific/Apia", {kFriday, At(9), At(17)}, "2011-12-30T20:00:00Z", false},
      {"a night that crosses it",
       "Pacific/Apia",
       {{false, false, false, true, false, false, false}, At(22), At(6)},
       "2011-12-30T09:00:00Z",
       true},
  };
  for (const OpenCase& c : cases) {
    EXPECT_EQ(OpenAt({.name = "w", .when = c.weekly}, Zone(c.zone), Utc(c.now)), c.open) << c.what;
  }
}

// Zones that break what one likes to assume: an offset of 5:45; a winter that is the exception (Dublin's negative DST:
// 2026-03-29 01:00Z); clocks that go back for Ramadan (Casablanca 2026-02-15 03:00 +01 falls back to 02:00 +00,
// 02:00Z); and New York's gap (2026-03-08 02:00 EST jumps to 03:00 EDT, 07:00Z) and overlap (2025-11-02, 05:30Z and
// 06:30Z).
TEST(OpenAt, FollowsZonesThatBreakAssumptions) {
  const OpenCase cases[] = {
      {"5:45 ahead: 09:00", "Asia/Kathmandu", {kEveryDay, At(9), At(17)}, "2026-03-02T03:15:00Z", true},
      {"5:45 ahead: before", "Asia/Kathmandu", {kEveryDay, At(9), At(17)}, "2026-03-02T03:14:59Z", false},
      {"Dublin in winter", "Europe/Dublin", {kEveryDay, At(9), At(17)}, "2026-03-28T09:00:00Z", true},
      {"Dublin in summer", "Europe/Dublin", {kEveryDay, At(9), At(17)}, "2026-03-29T08:00:00Z", true},
      {"Dublin: start in the gap", "Europe/Dublin", {kEveryDay, At(1, 30), At(5)}, "2026-03-29T01:00:00Z", true},
      {"Dublin: before the gap", "Europe/Dublin", {kEveryDay, At(1, 30), At(5)}, "2026-03-29T00:59:59Z", false},
      {"Ramadan: 02:30 comes twice",
       "Africa/Casablanca",
       {kEveryDay, At(2, 30), At(2, 45)},
       "2026-02-15T01:30:00Z",
       true},
      {"Ramadan: but counts once",
       "Africa/Casablanca",
       {kEveryDay, At(2, 30), At(2, 45)},
       "2026-02-15T02:30:00Z",
       false},
      {"New York: 02:30 is the jump", "America/New_York", {kEveryDay, At(2, 30), At(5)}, "2026-03-08T07:00:00Z", true},
      {"New York: not before it", "America/New_York", {kEveryDay, At(2, 30), At(5)}, "2026-03-08T06:59:59Z", false},
      {"New York: from 02:00 once", "America/New_York", {kEveryDay, At(2), At(5)}, "2025-11-02T06:30:00Z", false},
      {"New York: from 02:00", "America/New_York", {kEveryDay, At(2), At(5)}, "2025-11-02T07:00:00Z", true},
  };
  for (const OpenCase& c : cases) {
    EXPECT_EQ(OpenAt({.name = "w", .when = c.weekly}, Zone(c.zone), Utc(c.now)), c.open) << c.what;
  }
}

// Whatever a year's clocks do, a window of every day opens once a day, and the change that was foretold comes.
TEST(OpenAt, OpensOnceADayAllYearWhereTheClocksAreOdd) {
  for (const char* name : {"America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Casablanca"}) {
    const Schedule schedule{.time_zone = name,
                            .zone = Zone(name),
                            .windows = {{.name = "w", .when = Weekly{kEveryDay, At(1, 30), At(2, 30)}}}};
    absl::Time now = Utc("2025-01-01T12:00:00Z");
    int opened = 0;
    bool open = OpenAt(schedule.windows[0], schedule.zone, now);
    for (absl::Time next = now; next < Utc("2026-01-01T12:00:00Z"); now = next) {
      next = NextChangeAfter(schedule, now).value_or(absl::InfiniteFuture());
      ASSERT_GT(next, now);
      const bool after = OpenAt(schedule.windows[0], schedule.zone, next);
      EXPECT_FALSE(OpenAt(schedule.windows[0], schedule.zone, next - absl::Nanoseconds(1)) != open) << next;
      opened += after && !open ? 1 : 0;
      open = after;
    }
    EXPECT_NEAR(opened, 365, 1) << name;
  }
}

TEST(OpenAt, OpensOnceInLocalTime) {
  const Window sale{.name = "sale",
                    .when = Once{absl::CivilMinute(2025, 11, 27, 0, 0), absl::CivilMinute(2025, 12, 1, 0, 0)}};
  const absl::TimeZone zone = Zone("America/Vancouver");
  EXPECT_FALSE(OpenAt(sale, zone, Utc("2025-11-26T23:59:59-08:00")));
  EXPECT_TRUE(OpenAt(sale, zone, Utc("2025-11-27T00:00:00-08:00")));
  EXPECT_TRUE(OpenAt(sale, zone, Utc("2025-11-30T23:59:59-08:00")));
  EXPECT_FALSE(OpenAt(sale, zone, Utc("2025-12-01T00:00:00-08:00")));
}

Schedule OfThree() {
  return {.windows = {{.name = "day", .when = Weekly{kEveryDay, At(8), At(20)}, .min_capacity = 2, .max_capacity = 6},
                      {.name = "noon", .when = Weekly{kEveryDay, At(11), At(13)}, .max_capacity = 9},
                      {.name = "lunch", .when = Weekly{kEveryDay, At(12), At(13)}, .min_capacity = 4}}};
}

TEST(LimitsAt, LetsLaterWindowsWinFieldByField) {
  struct Case {
    const char* now;
    Limits limits;
  };
  const Case cases[] = {
      {"2026-03-02T07:59:59Z", {1, 5, "", ""}},        {"2026-03-02T08:00:00Z", {2, 6, "day", "day"}},
      {"2026-03-02T11:00:00Z", {2, 9, "day", "noon"}}, {"2026-03-02T12:00:00Z", {4, 9, "lunch", "noon"}},
      {"2026-03-02T13:00:00Z", {2, 6, "day", "day"}},  {"2026-03-02T20:00:00Z", {1, 5, "", ""}},
  };
  for (const Case& c : cases) EXPECT_EQ(LimitsAt(1, 5, OfThree(), Utc(c.now)), c.limits) << c.now;
}

TEST(LimitsAt, LetsTheMaximumWinAConflict) {
  const Schedule schedule{.windows = {{.name = "sale", .when = Weekly{}, .min_capacity = 8},
                                      {.name = "thrift", .when = Weekly{}, .max_capacity = 3}}};
  EXPECT_EQ(LimitsAt(1, 5, schedule, Utc("2026-03-02T12:00:00Z")), (Limits{3, 3, "thrift", "thrift", true}));
}

// autoscalebot's {"0:00": A, "9:00": B, "17:00": C}: the value in force is that of the latest start.
TEST(LimitsAt, KeepsBothBoundsBelowTheAdministratorsCeiling) {
  const std::string from = kFromAdministrator;
  EXPECT_EQ(LimitsAt(1, 5, {}, Utc("2026-03-02T12:00:00Z"), 3), (Limits{1, 3, "", from}));
  EXPECT_EQ(LimitsAt(4, 5, {}, Utc("2026-03-02T12:00:00Z"), 3), (Limits{3, 3, from, from}));
  EXPECT_EQ(LimitsAt(1, 3, {}, Utc("2026-03-02T12:00:00Z"), 3), (Limits{1, 3, "", ""}));
}

TEST(LimitsAt, SaysWhatAutoscalebotsTableSaid) {
  const Schedule schedule{.windows = {{.name = "B", .when = Weekly{kEveryDay, At(9), At(17)}, .min_capacity = 4},
                                      {.name = "C", .when = Weekly{kEveryDay, At(17), At(24)}, .min_capacity = 2}}};
  struct Case {
    const char* now;
    int min;
  };
  for (const Case& c :
       {Case{"2026-03-02T01:00:00Z", 1}, Case{"2026-03-02T09:00:00Z", 4}, Case{"2026-03-02T09:05:00Z", 4},
        Case{"2026-03-02T12:00:00Z", 4}, Case{"2026-03-02T18:00:00Z", 2}}) {
    EXPECT_EQ(LimitsAt(1, 5, schedule, Utc(c.now)).min, c.min) << c.now;
  }
}

TEST(NextChangeAfter, FindsTheFirstEdge) {
  struct Case {
    const char* now;
    const char* next;
  };
  const Case cases[] = {
      {"2026-03-02T00:00:00Z", "2026-03-02T08:00:00Z"}, {"2026-03-02T08:00:00Z", "2026-03-02T11:00:00Z"},
      {"2026-03-02T11:30:00Z", "2026-03-02T12:00:00Z"}, {"2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"},
      {"2026-03-02T13:00:00Z", "2026-03-02T20:00:00Z"}, {"2026-03-02T20:00:00Z", "2026-03-03T08:00:00Z"},
  };
  for (const Case& c : cases) EXPECT_EQ(NextChangeAfter(OfThree(), Utc(c.now)), std::optional(Utc(c.next))) << c.now;
}

TEST(NextChangeAfter, SeesWhatIsDaysAwayAndWhatNeverChanges) {
  const Schedule weekly{.windows = {{.name = "friday", .when = Weekly{kFriday, At(9), At(17)}, .min_capacity = 2}}};
  EXPECT_EQ(NextChangeAfter(weekly, Utc("2026-03-06T17:00:00Z")), std::optional(Utc("2026-03-13T09:00:00Z")));
  EXPECT_EQ(NextChangeAfter({}, Utc("2026-03-06T17:00:00Z")), std::nullopt);
  const Schedule always{.windows = {{.name = "always", .when = Weekly{}, .min_capacity = 2}}};
  EXPECT_EQ(NextChangeAfter(always, Utc("2026-03-06T17:00:00Z")), std::nullopt) << "it never closes";
  const Schedule past{.windows = {{.name = "past",
                                   .when = Once{absl::CivilMinute(2025, 1, 1), absl::CivilMinute(2025, 1, 2)},
                                   .min_capacity = 2}}};
  EXPECT_EQ(NextChangeAfter(past, Utc("2026-03-06T17:00:00Z")), std::nullopt);
  EXPECT_EQ(NextChangeAfter(past, Utc("2025-01-01T12:00:00Z")), std::optional(Utc("2025-01-02T00:00:00Z")));
}

TEST(NextChangeAfter, LooksBehindAnOccurrenceThatFallsIntoAGap) {
  constexpr std::array<bool, 7> kSunday = {false, false, false, false, false, false, true};
  const Schedule schedule{
      .zone = Zone("America/Vancouver"),
      .windows = {{.name = "gap", .when = Weekly{kSunday, At(2, 10), At(2, 50)}, .min_capacity = 2}}};
  EXPECT_EQ(NextChangeAfter(schedule, Utc("2026-03-02T00:00:00Z")), std::optional(Utc("2026-03-15T02:10:00-07:00")));
}

TEST(HullOf, IsTheWidestThatAnyTimeCanHave) {
  const Limits hull = HullOf(2, 5,
                             {.windows = {{.name = "night", .when = Weekly{}, .min_capacity = 1},
                                          {.name = "sale", .when = Weekly{}, .min_capacity = 4, .max_capacity = 9}}});
  EXPECT_EQ(hull, (Limits{1, 9, "night", "sale"}));
  EXPECT_EQ(HullOf(2, 5, {}), (Limits{2, 5, "", ""}));
  const Limits conflict = HullOf(4, 5, {.windows = {{.name = "thrift", .when = Weekly{}, .max_capacity = 3}}});
  EXPECT_EQ(conflict.min, 3) << "max wins, so 3 can be the minimum";
}

}  // namespace
}  // namespace ottoscale::policy
