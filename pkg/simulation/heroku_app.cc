#include "pkg/simulation/heroku_app.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "pkg/base/check.h"

namespace ottoscale::simulation {
namespace {

constexpr absl::Duration kRestartPause = absl::Seconds(10);  // after a first crash
constexpr int kMostDoublings = 8;

absl::Duration Draw(absl::Duration min, absl::Duration max, async::Random& random) {
  return min + (max - min) * random.Unit();
}

void Boot(Dyno& dyno, async::BootTime from, const DynoTimes& times, async::Random& random) {
  dyno.up_at = from + Draw(times.boot_min, times.boot_max, random);
}

void StopAbove(Process& process, int quantity, const DynoTimes& times, async::Instant now, async::Random& random) {
  for (Dyno& dyno : process.dynos) {
    if (dyno.stopping() || dyno.number <= quantity) continue;
    dyno.gone_at = now.boot + Draw(times.stop_min, times.stop_max, random);
  }
}

}  // namespace

absl::string_view ToString(DynoState state) {
  switch (state) {
    case DynoState::kStarting: return "starting";
    case DynoState::kUp: return "up";
    case DynoState::kCrashed: return "crashed";
    case DynoState::kIdle: return "idle";
  }
  CHECK(false, "no such state");
}

DynoState StateOf(const Process& process, const Dyno& dyno, async::BootTime now) {
  if (now < dyno.crashed_until) return DynoState::kCrashed;
  if (now < dyno.up_at) return DynoState::kStarting;
  if (process.boot_fails) return DynoState::kCrashed;
  return process.asleep ? DynoState::kIdle : DynoState::kUp;
}

int Serving(const Process& process, async::BootTime now) {
  return static_cast<int>(std::count_if(process.dynos.begin(), process.dynos.end(), [&](const Dyno& dyno) {
    return !dyno.stopping() && StateOf(process, dyno, now) == DynoState::kUp;
  }));
}

std::vector<Dyno> Listed(const Process& process, async::BootTime now) {
  std::vector<Dyno> listed;
  std::copy_if(process.dynos.begin(), process.dynos.end(), std::back_inserter(listed),
               [now](const Dyno& dyno) { return now < dyno.gone_at; });
  return listed;
}

std::string NewUuid(async::Random& random) {
  const uint64_t a = random.Next();
  const uint64_t b = random.Next();
  return absl::StrFormat("%08x-%04x-4%03x-%04x-%012x", a >> 32, (a >> 16) & 0xFFFF, a & 0xFFF,
                         0x8000 | ((b >> 48) & 0x3FFF), b & 0xFFFFFFFFFFFF);
}

void ScaleTo(Process& process, const Scale& to, const DynoTimes& times, async::Instant now, async::Random& random,
             bool booted) {
  std::erase_if(process.dynos, [&](const Dyno& dyno) { return dyno.gone_at <= now.boot; });
  if (process.size != to.size) {
    for (Dyno& dyno : process.dynos) Boot(dyno, now.boot, times, random);
  }
  const int from = process.quantity;
  process.size = to.size;
  process.quantity = to.quantity;
  process.updated = now.wall;
  StopAbove(process, to.quantity, times, now, random);
  for (int number = from + 1; number <= to.quantity; ++number) {
    Dyno dyno{.number = number, .id = NewUuid(random), .created = now.wall, .up_at = now.boot};
    if (!booted) Boot(dyno, now.boot, times, random);
    process.dynos.push_back(std::move(dyno));
  }
}

void CrashNewest(Process& process, const DynoTimes& times, async::Instant now, async::Random& random) {
  const auto newest =
      std::find_if(process.dynos.rbegin(), process.dynos.rend(), [](const Dyno& dyno) { return !dyno.stopping(); });
  if (newest == process.dynos.rend()) return;
  newest->crashed_until = now.boot + kRestartPause * (1 << std::min(newest->crashes, kMostDoublings));
  ++newest->crashes;
  Boot(*newest, newest->crashed_until, times, random);
}

Formation FormationOf(const App& app) {
  Formation formation;
  for (const auto& [type, process] : app.processes) formation[type] = {process.size, process.quantity};
  return formation;
}

}  // namespace ottoscale::simulation
