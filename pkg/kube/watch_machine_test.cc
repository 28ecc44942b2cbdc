#include "pkg/kube/watch_machine.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pkg/http/http.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {

void PrintTo(const WatchAction& action, std::ostream* out) {
  if (const auto* list = std::get_if<DoList>(&action)) *out << "list '" << list->resource_version << "'";
  if (const auto* watch = std::get_if<DoWatch>(&action)) {
    *out << "watch '" << watch->resource_version << "'" << (watch->patient ? " patiently" : "");
  }
  if (std::holds_alternative<DoRead>(action)) *out << "read";
  if (const auto* wait = std::get_if<DoWait>(&action)) *out << "wait " << wait->least << " to " << wait->most;
}

namespace {

using kubeapi::ErrorReason;
using nlohmann::json;

constexpr async::BootTime kStart{absl::Seconds(1000)};

json ObjectAt(const std::string& version) {
  json object = json::object();
  object["metadata"]["name"] = "a";
  object["metadata"]["resourceVersion"] = version;
  return object;
}

Arrived Event(WatchEvent::Type type, const std::string& version) { return {WatchEvent{type, ObjectAt(version)}}; }
Arrived Added(const std::string& version) { return Event(WatchEvent::Type::kAdded, version); }
Arrived Bookmark(const std::string& version) { return Event(WatchEvent::Type::kBookmark, version); }
Arrived ErrorEvent(ErrorReason reason) {
  return {WatchEvent{WatchEvent::Type::kError, kubeapi::ToJson(kubeapi::MakeApiError(reason, "why"))}};
}
absl::Status Api(ErrorReason reason) { return kubeapi::ToStatus(kubeapi::MakeApiError(reason, "why")); }
absl::Status TooLarge() {
  kubeapi::ApiError error = kubeapi::MakeApiError(ErrorReason::kTimeout, "Too large resource version");
  error.causes = {{.reason = "ResourceVersionTooLarge"}};
  return kubeapi::ToStatus(error);
}
absl::Status Asking(absl::Duration retry_after) {
  kubeapi::ApiError error = kubeapi::MakeApiError(ErrorReason::kTooManyRequests, "slower");
  error.retry_after = retry_after;
  return kubeapi::ToStatus(error);
}
absl::Status Net(http::Failure kind) { return http::MakeFailure({kind, true}, "net"); }

DoWait Pause(absl::Duration least) { return {least, 2 * least}; }
const DoWait kFirst = Pause(absl::Milliseconds(800));

// Leaves a machine in one of its states, at kStart, with version 10.
WatchMachine Listing() {
  WatchMachine machine;
  (void)machine.Begin();
  return machine;
}
WatchMachine Opening() {
  WatchMachine machine = Listing();
  (void)machine.Next(Listed{"10", {}}, kStart);
  return machine;
}
WatchMachine Streaming() {
  WatchMachine machine = Opening();
  (void)machine.Next(WatchOpened{}, kStart);
  return machine;
}

WatchMachine AfterABookmark() {
  WatchMachine machine = Streaming();
  (void)machine.Next(Bookmark("11"), kStart);
  return machine;
}

struct Row {
  const char* name;
  WatchMachine (*state)();
  WatchInput input;
  absl::Duration later;  // after the state was entered
  WatchAction next;
  WatchAction after_wait = DoRead{};  // when next is a pause
};

TEST(WatchMachine, DoesWhatItsTableSays) {
  const absl::Duration minute = absl::Minutes(1);
  const std::vector<Row> rows = {
      {"list: came", Listing, Listed{"7", {}}, {}, DoWatch{"7"}},
      {"list: 410", Listing, ListFailed{Api(ErrorReason::kExpired)}, {}, DoList{""}},
      {"list: gone", Listing, ListFailed{Api(ErrorReason::kGone)}, {}, DoList{""}},
      {"list: too large", Listing, ListFailed{TooLarge()}, {}, DoList{""}},
      {"list: timeout", Listing, ListFailed{Api(ErrorReason::kTimeout)}, {}, kFirst, DoList{"0"}},
      {"list: refused", Listing, ListFailed{Net(http::Failure::kConnect)}, {}, kFirst, DoList{"0"}},
      {"list: forbidden", Listing, ListFailed{Api(ErrorReason::kForbidden)}, {}, kFirst, DoList{"0"}},
      {"list: no version", Listing, Listed{"", {}}, {}, kFirst, DoList{"0"}},
      {"open: ok", Opening, WatchOpened{}, {}, DoRead{}},
      {"open: refused", Opening, WatchFailed{Net(http::Failure::kConnect)}, {}, kFirst, DoList{"10"}},
      {"open: 429", Opening, WatchFailed{Api(ErrorReason::kTooManyRequests)}, {}, kFirst, DoWatch{"10"}},
      {"open: 429, Retry-After",
       Opening,
       WatchFailed{Asking(absl::Seconds(9))},
       {},
       Pause(absl::Seconds(9)),
       DoWatch{"10"}},
      {"open: endless Retry-After",
       Opening,
       WatchFailed{Asking(absl::Hours(9))},
       {},
       Pause(absl::Seconds(30)),
       DoWatch{"10"}},
      {"open: 410", Opening, WatchFailed{Api(ErrorReason::kExpired)}, {}, DoList{""}},
      {"open: too large", Opening, WatchFailed{TooLarge()}, {}, DoList{""}},
      {"open: timed out", Opening, WatchFailed{Net(http::Failure::kTimeout)}, minute, DoWatch{"10"}},
      {"open: timed out at once", Opening, WatchFailed{Api(ErrorReason::kTimeout)}, {}, kFirst, DoList{"10"}},
      {"open: broken off late", Opening, WatchFailed{Net(http::Failure::kDisconnected)}, minute, DoWatch{"10"}},
      {"open: broken off at once", Opening, WatchFailed{Net(http::Failure::kDisconnected)}, {}, kFirst, DoList{"10"}},
      {"open: 403", Opening, WatchFailed{Api(ErrorReason::kForbidden)}, {}, kFirst, DoList{"10"}},
      {"open: 503", Opening, WatchFailed{Api(ErrorReason::kServiceUnavailable)}, {}, kFirst, DoList{"10"}},
      {"stream: event", Streaming, Added("11"), {}, DoRead{}},
      {"stream: bookmark", Streaming, Bookmark("11"), {}, DoRead{}},
      {"stream: 410", Streaming, ErrorEvent(ErrorReason::kExpired), {}, DoList{""}},
      {"stream: 429", Streaming, ErrorEvent(ErrorReason::kTooManyRequests), {}, kFirst, DoWatch{"10"}},
      {"stream: internal error", Streaming, ErrorEvent(ErrorReason::kInternalError), {}, kFirst, DoWatch{"10"}},
      {"stream: 403", Streaming, ErrorEvent(ErrorReason::kForbidden), {}, kFirst, DoList{"10"}},
      {"stream: error without Status",
       Streaming,
       Arrived{WatchEvent{WatchEvent::Type::kError, json::object()}},
       {},
       kFirst,
       DoList{"10"}},
      {"stream: event without version", Streaming, Added(""), {}, kFirst, DoList{"10"}},
      {"stream: end", Streaming, Ended{}, minute, DoWatch{"10"}},
      {"stream: very short", Streaming, Ended{}, absl::Milliseconds(999), kFirst, DoList{"10"}},
      {"stream: just long enough", Streaming, Ended{}, absl::Seconds(1), DoWatch{"10"}},
      {"stream: connection lost", Streaming, Broken{Net(http::Failure::kDisconnected)}, minute, DoWatch{"10"}},
      {"stream: lost at once", Streaming, Broken{Net(http::Failure::kDisconnected)}, {}, kFirst, DoList{"10"}},
      {"stream: silence", Streaming, Broken{Net(http::Failure::kTimeout)}, minute, DoWatch{"10", true}},
      {"stream: silence after a bookmark", AfterABookmark, Broken{Net(http::Failure::kTimeout)}, minute, kFirst,
       DoList{"11"}},
      {"stream: garbage", Streaming, Broken{absl::DataLossError("no JSON")}, minute, kFirst, DoList{"10"}},
      {"stream: a line too long", Streaming, Broken{absl::ResourceExhaustedError("long")}, minute, kFirst,
       DoList{"10"}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    WatchMachine machine = row.state();
    const async::BootTime now = kStart + row.later;
    EXPECT_EQ(machine.Next(row.input, now).next, row.next);
    if (std::holds_alternative<DoWait>(row.next)) {
      EXPECT_EQ(machine.Next(Waited{}, now + minute).next, row.after_wait);
    }
  }
}

TEST(WatchMachine, BeginsWithWhateverVersionTheServerHas) {
  EXPECT_EQ(WatchMachine().Begin().next, WatchAction(DoList{"0"}));
}

TEST(WatchMachine, TellsTheCacheWhatCame) {
  WatchMachine machine = Listing();
  EXPECT_EQ(machine.Next(Listed{"10", {ObjectAt("9")}}, kStart).change, CacheChange(Replace{{ObjectAt("9")}}));
  (void)machine.Next(WatchOpened{}, kStart);
  EXPECT_EQ(machine.Next(Added("11"), kStart).change, CacheChange(Put{ObjectAt("11")}));
  EXPECT_EQ(machine.Next(Event(WatchEvent::Type::kModified, "12"), kStart).change, CacheChange(Put{ObjectAt("12")}));
  EXPECT_EQ(machine.Next(Event(WatchEvent::Type::kDeleted, "13"), kStart).change, CacheChange(Remove{ObjectAt("13")}));
  EXPECT_EQ(machine.resource_version(), "13");
  EXPECT_EQ(machine.Next(Bookmark("20"), kStart).change, CacheChange());
  EXPECT_EQ(machine.Next(Ended{}, kStart).next, WatchAction(DoWatch{"20"}));
}

TEST(WatchMachine, ListsForTheNewestOnlyUntilOneCame) {
  WatchMachine machine = Streaming();
  EXPECT_EQ(machine.Next(ErrorEvent(ErrorReason::kExpired), kStart).next, WatchAction(DoList{""}));
  // A failure does not make it forget that its version is useless.
  (void)machine.Next(ListFailed{Api(ErrorReason::kServiceUnavailable)}, kStart);
  EXPECT_EQ(machine.Next(Waited{}, kStart).next, WatchAction(DoList{""}));
  (void)machine.Next(Listed{"30", {}}, kStart);
  (void)machine.Next(WatchFailed{Api(ErrorReason::kForbidden)}, kStart);
  EXPECT_EQ(machine.Next(Waited{}, kStart).next, WatchAction(DoList{"30"}));
}

TEST(WatchMachine, AServerThatAnswersOnly410IsNotStormed) {
  WatchMachine machine = Opening();
  EXPECT_EQ(machine.Next(WatchFailed{Api(ErrorReason::kExpired)}, kStart).next, WatchAction(DoList{""}));
  (void)machine.Next(Listed{"11", {}}, kStart);
  EXPECT_EQ(machine.Next(WatchFailed{Api(ErrorReason::kExpired)}, kStart).next,
            WatchAction(Pause(absl::Milliseconds(1600))));
  EXPECT_EQ(machine.Next(Waited{}, kStart).next, WatchAction(DoList{""}));
  EXPECT_EQ(machine.Next(ListFailed{Api(ErrorReason::kExpired)}, kStart).next,
            WatchAction(Pause(absl::Milliseconds(3200))));
}

TEST(WatchMachine, PausesDoubleUpTo30SecondsAndBeginAnewAfterCalm) {
  WatchMachine machine = Listing();
  async::BootTime now = kStart;
  for (const int64_t ms : {800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}) {
    EXPECT_EQ(machine.Next(ListFailed{Net(http::Failure::kConnect)}, now).next,
              WatchAction(Pause(absl::Milliseconds(ms))));
    now = now + absl::Seconds(60);
    (void)machine.Next(Waited{}, now);
  }
  now = now + absl::Seconds(60);  // two minutes after the last failure
  EXPECT_EQ(machine.Next(ListFailed{Net(http::Failure::kConnect)}, now).next, WatchAction(kFirst));
}

TEST(WatchMachine, ManyInternalErrorsLeadToAListAfterAMinute) {
  WatchMachine machine = Streaming();
  async::BootTime now = kStart;
  for (int i = 0; i < 3; ++i) {
    (void)machine.Next(ErrorEvent(ErrorReason::kInternalError), now);
    EXPECT_EQ(machine.Next(Waited{}, now).next, WatchAction(DoWatch{"10"})) << i;
    (void)machine.Next(WatchOpened{}, now);
    now = now + absl::Seconds(20);
  }
  (void)machine.Next(ErrorEvent(ErrorReason::kInternalError), now);
  EXPECT_EQ(machine.Next(Waited{}, now).next, WatchAction(DoList{"10"}));
}

TEST(WatchMachine, SilenceIsSuspectOnceThereWereBookmarks) {
  WatchMachine machine = Streaming();
  async::BootTime now = kStart + absl::Seconds(90);
  EXPECT_EQ(machine.Next(Broken{Net(http::Failure::kTimeout)}, now).next, WatchAction(DoWatch{"10", true}));
  (void)machine.Next(WatchOpened{}, now);
  (void)machine.Next(Bookmark("11"), now);
  now = now + absl::Seconds(90);
  EXPECT_EQ(machine.Next(Broken{Net(http::Failure::kTimeout)}, now).next, WatchAction(kFirst));
  EXPECT_EQ(machine.Next(Waited{}, now).next, WatchAction(DoList{"11"}));
  (void)machine.Next(Listed{"5", {}}, now);  // put back to an older state
  EXPECT_EQ(machine.resource_version(), "5");
}

TEST(WatchMachineDeathTest, AnInputThatNothingAskedForIsADefect) {
  EXPECT_DEATH(
      {
        WatchMachine machine = Opening();
        (void)machine.Next(Waited{}, kStart);
      },
      "a pause ended that was not asked for");
}

struct LineRow {
  const char* line;
  const char* error;  // a part of it
};

TEST(WatchEvent, RefusesWhatIsNoEventWithoutQuotingIt) {
  for (const LineRow& row : std::vector<LineRow>{{"secret", "unusable"},
                                                 {"[]", "its type is ''"},
                                                 {R"({"type":"ADDED"})", "no object"},
                                                 {R"({"type":"ADDED","object":7})", "no object"},
                                                 {R"({"type":"EXPLODED","object":{}})", "'EXPLODED'"}}) {
    const auto event = ReadWatchEvent(row.line);
    ASSERT_TRUE(absl::IsDataLoss(event.status())) << row.line;
    EXPECT_NE(event.status().message().find(row.error), absl::string_view::npos) << event.status();
    EXPECT_EQ(event.status().message().find("secret"), absl::string_view::npos);
  }
}

TEST(WatchEvent, ReadsEachType) {
  for (const char* type : {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"}) {
    const auto event =
        ReadWatchEvent(absl::StrCat(R"({"type":")", type, R"(","object":{"metadata":{"resourceVersion":"5"}}})"));
    ASSERT_TRUE(event.ok()) << type;
    EXPECT_EQ(event->ResourceVersion(), "5");
  }
}

}  // namespace
}  // namespace ottoscale::kube
