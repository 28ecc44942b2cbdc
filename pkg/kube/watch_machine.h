// List and watch as a state machine: what to ask the server next, and what to tell the cache, given what has come.
// Pure: no I/O, no clock, no chance; `now` is a parameter. The Reflector drives it.
//
// Start with Begin(); do what `next` says and hand the result to Next(), again and again:
//
//   state      input                                      next
//   listing    Listed                                     watch from its version; emits a Replace
//              ListFailed: 410, or version too large      list "" at once (after a pause when it was "" already)
//              ListFailed: anything else                  pause, list
//   opening    WatchOpened                                read
//              WatchFailed: 429                           pause, watch from the same version
//              WatchFailed: refused connection            pause, list: what comes back may be an older state
//              WatchFailed: broken off, timed out         as a stream that ended without events
//              WatchFailed: 410                           list ""
//              WatchFailed: anything else                 pause, list
//   streaming  Arrived ADDED, MODIFIED, DELETED           read; emits Put or Remove; the version advances
//              Arrived BOOKMARK                           read; the version advances
//              Arrived ERROR: 410                         list ""
//              Arrived ERROR: 429                         pause, watch from the same version
//              Arrived ERROR: InternalError               pause, watch; after a minute of nothing else: list
//              Arrived ERROR: anything else, or malformed pause, list
//              Ended after 1 s or an event                watch from the newest version
//              Ended within 1 s without events            pause, list
//              Broken: connection lost, and silence of a
//                server that has never sent a bookmark    as Ended
//              Broken: silence where bookmarks came       pause, list: it may wait for a version that is yet to come
//              Broken: anything else                      pause, list
//   pausing    Waited                                     what the pause was for
//
// A list asks for version "0" (any) at first, then for one at least as new as the newest seen, so that objects do not
// go backwards when another server answers; for "" (the newest) after a 410. A 410 is answered at once when nothing
// else has failed lately, else after a pause. Pauses: 800 ms doubled up to 30 s, the first again after 2 minutes
// without a failure, each lengthened by chance up to twofold; never shorter than the Retry-After of the error.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pkg/async/instant.h"
#include "pkg/kube/watch_event.h"

namespace ottoscale::kube {

// What to tell the cache.
struct Replace {
  std::vector<nlohmann::json> items;
  bool operator==(const Replace&) const = default;
};
struct Put {
  nlohmann::json object;
  bool operator==(const Put&) const = default;
};
struct Remove {
  nlohmann::json object;
  bool operator==(const Remove&) const = default;
};
using CacheChange = std::variant<std::monostate, Replace, Put, Remove>;

// What to do next, and what that leads to.
struct DoList {  // Listed or ListFailed
  std::string resource_version;
  bool operator==(const DoList&) const = default;
};
struct DoWatch {  // WatchOpened or WatchFailed
  std::string resource_version;
  // This server sends no bookmarks: silence is normal until it ends the stream itself.
  bool patient = false;
  bool operator==(const DoWatch&) const = default;
};
struct DoRead {  // Arrived, Ended or Broken
  bool operator==(const DoRead&) const = default;
};
struct DoWait {  // Waited, after a duration drawn from [least, most)
  absl::Duration least;
  absl::Duration most;
  bool operator==(const DoWait&) const = default;
};
using WatchAction = std::variant<DoList, DoWatch, DoRead, DoWait>;

struct WatchStep {
  CacheChange change;
  WatchAction next;
};

// What has come.
struct Listed {
  std::string resource_version;
  std::vector<nlohmann::json> items;
};
struct ListFailed {
  absl::Status why;
};
struct WatchOpened {};
struct WatchFailed {
  absl::Status why;
};
struct Arrived {
  WatchEvent event;
};
struct Ended {};
struct Broken {
  absl::Status why;
};
struct Waited {};
using WatchInput = std::variant<Listed, ListFailed, WatchOpened, WatchFailed, Arrived, Ended, Broken, Waited>;

class WatchMachine {
 public:
  WatchStep Begin();
  // CHECK fails when `input` is not one that the last action leads to.
  WatchStep Next(WatchInput input, async::BootTime now);

  // The newest version seen; "" before the first list.
  const std::string& resource_version() const { return version_; }

 private:
  enum class State { kIdle, kListing, kOpening, kStreaming, kPausing };

  WatchStep On(Listed input, async::BootTime now);
  WatchStep On(const ListFailed& input, async::BootTime now);
  WatchStep On(const WatchOpened& input, async::BootTime now);
  WatchStep On(const WatchFailed& input, async::BootTime now);
  WatchStep On(Arrived input, async::BootTime now);
  WatchStep On(const Ended& input, async::BootTime now);
  WatchStep On(const Broken& input, async::BootTime now);
  WatchStep On(const Waited& input, async::BootTime now);

  WatchStep List();
  WatchStep Watch(async::BootTime now);
  WatchStep ListNewest(async::BootTime now);
  WatchStep StreamEnded(async::BootTime now);
  WatchStep OnErrorEvent(const nlohmann::json& object, async::BootTime now);
  WatchStep Pause(State then, const absl::Status& why, async::BootTime now);

  State state_ = State::kIdle;
  State after_pause_ = State::kListing;
  std::string version_;
  bool newest_ = false;         // the next list asks for ""
  async::BootTime since_;       // the watch was asked for, then: opened
  bool arrived_ = false;        // anything, on this stream
  bool bookmark_seen_ = false;  // ever
  bool patient_ = false;
  std::optional<async::BootTime> internal_errors_since_;
  int failures_ = 0;  // in a row
  async::BootTime last_failure_;
};

}  // namespace ottoscale::kube
