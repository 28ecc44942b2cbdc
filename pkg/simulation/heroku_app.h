// An app of a simulated Heroku as values: its process types and the life of their dynos. Nothing here runs by itself:
// the state of a dyno is a function of time, drawn when the dyno is asked to start or stop.
//
//   ScaleTo up                    ScaleTo down
//   ──► starting ──boot──► up ──────SIGTERM──► still listed as up, gets no requests ──stop──► gone
//           ▲               │ CrashNewest
//           └──restart── crashed
//
// Heroku chooses which dynos go; the highest numbers, as it usually does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "pkg/async/instant.h"
#include "pkg/async/random.h"
#include "pkg/simulation/dyno_sizes.h"

namespace ottoscale::simulation {

// Each drawn evenly from [min, max].
struct DynoTimes {
  absl::Duration boot_min = absl::Seconds(2);
  absl::Duration boot_max = absl::Seconds(10);
  absl::Duration stop_min = absl::ZeroDuration();  // from SIGTERM to the exit; SIGKILL comes after 30 s
  absl::Duration stop_max = absl::Seconds(10);
};

enum class DynoState { kStarting, kUp, kCrashed, kIdle };
absl::string_view ToString(DynoState state);  // as in the API

struct Dyno {
  int number = 1;
  std::string id;
  absl::Time created;
  async::BootTime crashed_until;                          // crashed before that
  async::BootTime up_at;                                  // starting before that
  async::BootTime gone_at = async::BootTime::Infinite();  // told to stop when finite; not listed from then on
  int crashes = 0;

  bool stopping() const { return gone_at != async::BootTime::Infinite(); }
};

struct Process {
  std::string id;
  std::string size;
  int quantity = 0;
  absl::Time updated;
  bool boot_fails = false;  // dynos crash instead of coming up, for as long as it is set
  bool asleep = false;      // idle, as Eco dynos without traffic
  std::vector<Dyno> dynos;  // by number; those that stop as well
};

struct App {
  std::string uuid;
  std::string name;
  absl::Time created;
  bool maintenance = false;
  bool release_running = false;              // writes get 409
  std::vector<std::string> collaborators;    // accounts that may see it; empty: all
  std::map<std::string, Process> processes;  // by type
};

DynoState StateOf(const Process& process, const Dyno& dyno, async::BootTime now);
// Dynos that get requests now.
int Serving(const Process& process, async::BootTime now);
// Dynos that the API lists now.
std::vector<Dyno> Listed(const Process& process, async::BootTime now);

// A UUID of version 4.
std::string NewUuid(async::Random& random);

// Sets quantity and size. New dynos boot (or are up at once with `booted`); a new size restarts all.
void ScaleTo(Process& process, const Scale& to, const DynoTimes& times, async::Instant now, async::Random& random,
             bool booted = false);
// The newest dyno that is not stopping crashes and starts again after a pause that doubles with each crash.
void CrashNewest(Process& process, const DynoTimes& times, async::Instant now, async::Random& random);

Formation FormationOf(const App& app);

}  // namespace ottoscale::simulation
