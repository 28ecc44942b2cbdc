// Leader election against pkg/apiserver in worlds where everything goes wrong: answers come late or never, servers fail
// and are away, somebody edits the Lease, processes are stopped and go on, crash and start again, wall clocks jump by
// hours, one clock runs at another speed. Whatever happens, never two may write; and afterwards one leads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/deadline.h"
#include "pkg/async/promise.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/kube/leader_election.h"
#include "pkg/kubeapi/resource.h"
#include "test/simulation/process_loop.h"

namespace ottoscale::kube {
namespace {

using async::BootTime;
using world::ProcessLoop;

// What the network and the server do to a request.
struct Weather {
  double lost = 0;    // the request, or its answer, with silence or a broken connection
  double slow = 0;    // each way takes up to 9 s
  double errors = 0;  // 500 or 503, the request was not looked at
  bool away = false;  // nobody listens
};

// Between one process and the server. What was sent arrives, whatever becomes of the process.
class Wire final : public http::Transport {
 public:
  Wire(async::SimulatedLoop& world, ProcessLoop& process, http::Handler& server, const Weather& weather)
      : world_(world), process_(process), server_(server), weather_(weather), serving_(world) {}

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, BootTime deadline) override {
    auto exchange = Exchange(std::move(request));
    co_return co_await async::WithDeadline(deadline, std::move(exchange));
  }
  void Close() { serving_.Cancel(); }
  bool idle() const { return serving_.running() == 0; }

 private:
  absl::Duration Way() {
    const bool slow = world_.random().Chance(weather_.slow);
    return absl::Milliseconds(1 + static_cast<int64_t>(world_.random().Below(slow ? 9000 : 40)));
  }

  async::Task<absl::StatusOr<http::Response>> Exchange(http::Request request) {
    if (weather_.away) co_return http::MakeFailure({http::Failure::kConnect, false}, "refused");
    auto answer = Depart(std::move(request));
    co_return Failed(co_await std::move(answer));
  }
  // Only the network holds the promise: where that drops it, the connection is broken.
  async::Future<http::Response> Depart(http::Request request) {
    const async::Promise<http::Response> answer(process_);
    world_.RunAt(world_.Now().boot + Way(), [this, answer, request = std::move(request)]() mutable {
      if (!Lost(answer)) serving_.Spawn(Serve(*this, answer, std::move(request)));
    });
    return answer.GetFuture();
  }
  static absl::StatusOr<http::Response> Failed(absl::StatusOr<http::Response> response) {
    if (response.ok()) return response;
    if (absl::IsAborted(response.status())) return http::MakeFailure({http::Failure::kDisconnected, true}, "broken");
    const bool late = absl::IsDeadlineExceeded(response.status());
    return http::MakeFailure({late ? http::Failure::kTimeout : http::Failure::kCancelled, true}, "gave up");
  }
  bool Lost(const async::Promise<http::Response>& answer) {
    if (!world_.random().Chance(weather_.lost)) return false;
    if (world_.random().Chance(0.5)) silent_.push_back(answer);
    return true;
  }
  static async::Task<void> Serve(Wire& wire, async::Promise<http::Response> answer, http::Request request) {
    http::Response response{.status = wire.world_.random().Chance(0.5) ? 500 : 503};
    if (!wire.world_.random().Chance(wire.weather_.errors)) {
      const absl::StatusOr<http::Url> url = http::ParseUrl(request.url);
      response = co_await wire.server_.Handle({.method = request.method,
                                               .path = url->path,
                                               .query = url->query,
                                               .headers = request.headers,
                                               .body = std::move(request.body)});
    }
    if (wire.Lost(answer)) co_return;
    (void)co_await async::Sleep(wire.Way());
    answer.Set(std::move(response));
  }

  async::SimulatedLoop& world_;
  ProcessLoop& process_;
  http::Handler& server_;
  const Weather& weather_;
  std::vector<async::Promise<http::Response>> silent_;
  async::Scope serving_;
};

// A process and what it is after each restart: another elector, another identity.
struct Process {
  Process(async::SimulatedLoop& world, http::Handler& server, const Weather& weather, LeaderElectionOptions its_options,
          double speed)
      : options(std::move(its_options)), loop(world, speed), wire(world, loop, server, weather) {
    Start();
  }

  void Start() {
    LeaderElectionOptions its = options;
    absl::StrAppend(&its.identity, "_", electors.size());
    electors.push_back(std::make_unique<LeaderElector>(loop, client, std::move(its)));
    running = std::make_unique<async::Scope>(loop);
    running->Spawn(Run(*this, *electors.back()));
  }
  static async::Task<void> Run(Process& process, LeaderElector& elector) {
    absl::Status end = co_await elector.Acquire();
    if (end.ok()) end = co_await elector.Hold();
    if (absl::IsCancelled(end)) co_await elector.Release(process.loop.Now().boot + absl::Seconds(10));
  }
  // As after SIGTERM: what it does ends, then the lease is released.
  void Terminate() { running->Cancel(); }
  bool ended() const { return running->running() == 0; }
  LeaderElector& now() { return *electors.back(); }

  const LeaderElectionOptions options;
  ProcessLoop loop;
  Wire wire;
  Client client{wire, LeaderClientOptions({.base_url = "http://api:80"}, options)};
  std::vector<std::unique_ptr<LeaderElector>> electors;  // the last one lives
  std::unique_ptr<async::Scope> running;
};

class ElectionWorld {
 public:
  // The first process has a clock of `odd_speed`; where `mixed`, they do not agree on the durations.
  ElectionWorld(uint64_t seed, size_t processes, double odd_speed = 1, bool mixed = false) : world(seed) {
    for (int i = 0; i < static_cast<int>(processes); ++i) {
      LeaderElectionOptions options{.ns = "ops", .identity = std::string(1, static_cast<char>('a' + i))};
      if (mixed && i > 0) options.lease_duration = absl::Seconds(30), options.renew_deadline = absl::Seconds(20);
      all.push_back(std::make_unique<Process>(world, server_, weather, std::move(options), i == 0 ? odd_speed : 1));
    }
  }
  ~ElectionWorld() {
    weather = {};
    for (const auto& process : all) {
      if (process->loop.stopped()) process->loop.GoOn();
      process->Terminate();
    }
    for (const auto& process : all) {
      world.RunUntilDone([&process] { return process->ended(); });
      process->wire.Close();
      world.RunUntilDone([&process] { return process->wire.idle(); });
    }
    world.RunReady();
  }

  // Looks after each thing that happens.
  void RunFor(absl::Duration duration) {
    const BootTime end = world.Now().boot + duration;
    world.RunUntilDone(
        [this] {
          Look();
          return false;
        },
        duration);
    world.RunUntil(end);
  }
  template <class Done>
  bool RunUntil(Done done, absl::Duration limit) {
    return world.RunUntilDone(
        [this, &done] {
          Look();
          return done();
        },
        limit);
  }
  // The process that may write, null for none.
  Process* Leader() {
    for (const auto& process : all) {
      if (process->now().leading()) return process.get();
    }
    return nullptr;
  }
  std::string RecordedHolder() {
    const auto stored = store.Get(kubeapi::Leases(), {"ops", "ottoscale"});
    if (!stored.ok() || !stored->has_value()) return "(none)";
    return kubeapi::TextAt(*(*stored)->object, {"spec", "holderIdentity"});
  }
  void EditLease() {
    http::ServerRequest request{.method = "PATCH",
                                .path = kubeapi::Leases().ObjectPath("ops", "ottoscale"),
                                .body = absl::StrCat(R"({"metadata":{"annotations":{"n":")", ++edits_, R"("}}})")};
    request.headers.Add("Content-Type", "application/merge-patch+json");
    hands_.Spawn(Do(server_, std::move(request)));
  }
  void DeleteLease() {
    hands_.Spawn(Do(server_, {.method = "DELETE", .path = kubeapi::Leases().ObjectPath("ops", "ottoscale")}));
  }

  async::SimulatedLoop world;
  apiserver::MemoryStore store;
  Weather weather;
  std::vector<std::unique_ptr<Process>> all;
  std::string broken;  // the first thing that must not be
  int takeovers = 0;
  absl::Duration narrowest = absl::InfiniteDuration();  // from the end of one leader to the beginning of the next

 private:
  static async::Task<void> Do(http::Handler& server, http::ServerRequest request) {
    (void)co_await server.Handle(std::move(request));
  }
  void Look() {
    const BootTime now = world.Now().boot;
    const LeaderElector* leads = nullptr;
    absl::Duration left;
    for (const auto& process : all) {
      for (const auto& elector : process->electors) {
        if (!elector->leading()) continue;
        if (leads != nullptr && broken.empty()) {
          broken = absl::StrCat(leads->identity(), " and ", elector->identity(), " both lead at ",
                                absl::FormatDuration(now.since_boot));
        }
        leads = elector.get();
        left = elector->LeaseLeft() / process->loop.speed();
      }
    }
    if (leads == nullptr) {
      if (now < last_until_) resigned_ = true;  // released, or it has seen another holder
      return;
    }
    if (leads != last_) {
      if (last_ != nullptr) {
        ++takeovers;
        if (!resigned_) narrowest = std::min(narrowest, now - last_until_);
      }
      last_ = leads;
    }
    resigned_ = false;
    last_until_ = now + left;
  }

  apiserver::ApiServer server_{world, store};
  async::Scope hands_{world};
  int edits_ = 0;
  const LeaderElector* last_ = nullptr;
  BootTime last_until_;
  bool resigned_ = false;
};

// One thing goes wrong, or right again.
void Disturb(ElectionWorld& world, bool deletes) {
  async::Random& random = world.world.random();
  Process& process = *world.all[random.Below(world.all.size())];
  switch (random.Below(10)) {
    case 0:
    case 1: process.loop.stopped() ? process.loop.GoOn() : process.loop.Stop(); break;
    case 2:
      // The leader, in the middle of whatever it does.
      if (Process* leader = world.Leader(); leader != nullptr) leader->loop.Stop();
      break;
    case 3: process.loop.StepWall(absl::Hours(static_cast<int64_t>(random.Below(9)) - 4)); break;
    case 4: world.weather = {.lost = 0.3, .slow = 0.3, .errors = 0.2}; break;
    case 5: world.weather = {.slow = 0.8}; break;
    case 6: world.weather = {.away = random.Chance(0.7)}; break;
    case 7: world.EditLease(); break;
    case 8:
      if (deletes) {
        // Not while somebody has yet to see who leads: who knows of no leader cannot wait for it.
        const std::string holder = world.RecordedHolder();
        bool known = !holder.empty();
        for (const auto& other : world.all) known &= other->now().holder() == holder;
        if (known) world.DeleteLease();
      } else if (!process.loop.stopped()) {
        process.ended() ? process.Start() : process.Terminate();
      }
      break;
    default: world.weather = {};
  }
}

struct Tally {
  int takeovers = 0;
  absl::Duration narrowest = absl::InfiniteDuration();
};

void RunWorld(uint64_t seed, Tally& tally) {
  constexpr double kSpeeds[] = {1, 1, 1.3, 1 / 1.3};
  const double speed = kSpeeds[seed % 4];
  ElectionWorld world(seed, 2 + seed % 2, speed, /*mixed=*/seed % 7 == 0);
  async::Random& random = world.world.random();
  for (int i = 0; i < 12; ++i) {
    world.RunFor(absl::Milliseconds(static_cast<int64_t>(random.Below(12'000))));
    Disturb(world, /*deletes=*/seed % 5 == 0);
  }
  ASSERT_EQ(world.broken, "") << "seed " << seed;
  // All is well again: what is on its way comes to an end, who has ended is started again, and one leads.
  world.weather = {};
  for (const auto& process : world.all) {
    if (process->loop.stopped()) process->loop.GoOn();
  }
  for (int i = 0; i < 3; ++i) {
    world.RunFor(absl::Seconds(14));
    for (const auto& process : world.all) {
      if (process->ended()) process->Start();
    }
  }
  world.RunFor(absl::Seconds(3));
  ASSERT_EQ(world.broken, "") << "seed " << seed;
  Process* leader = world.Leader();
  ASSERT_NE(leader, nullptr) << "seed " << seed;
  ASSERT_EQ(world.RecordedHolder(), leader->now().identity()) << "seed " << seed;
  tally.takeovers += world.takeovers;
  if (speed == 1) tally.narrowest = std::min(tally.narrowest, world.narrowest);
}

TEST(LeaderWorlds, NeverHaveTwoThatMayWrite) {
  // OTTOSCALE_WORLDS of them, and at least so many that something happens.
  const char* worlds = std::getenv("OTTOSCALE_WORLDS");
  const uint64_t count = std::max(worlds == nullptr ? 0 : std::strtoull(worlds, nullptr, 10), 60ULL);
  Tally tally;
  for (uint64_t seed = 0; seed < count; ++seed) {
    RunWorld(seed, tally);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(tally.takeovers, count) << "worlds in which nothing happens prove nothing";
  // Where all clocks have one speed, what a leader sent in its last moment has this long to land.
  EXPECT_GE(tally.narrowest, absl::Seconds(5));
}

TEST(LeaderWorlds, FollowACrashWithin17Seconds) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    ElectionWorld world(seed, 3);
    world.RunFor(absl::Seconds(5) + absl::Milliseconds(static_cast<int64_t>(world.world.random().Below(4000))));
    Process* leader = world.Leader();
    ASSERT_NE(leader, nullptr);
    leader->loop.Stop();
    const BootTime crash = world.world.Now().boot;
    const auto replaced = [&world, leader] { return world.Leader() != nullptr && world.Leader() != leader; };
    ASSERT_TRUE(world.RunUntil(replaced, absl::Minutes(1)));
    EXPECT_LE(world.world.Now().boot - crash, absl::Seconds(17)) << "seed " << seed;
  }
}

TEST(LeaderWorlds, FollowATerminationWithin2Seconds) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    ElectionWorld world(seed, 3);
    world.RunFor(absl::Seconds(5) + absl::Milliseconds(static_cast<int64_t>(world.world.random().Below(4000))));
    Process* leader = world.Leader();
    ASSERT_NE(leader, nullptr);
    leader->Terminate();
    const BootTime stop = world.world.Now().boot;
    const auto replaced = [&world, leader] { return world.Leader() != nullptr && world.Leader() != leader; };
    ASSERT_TRUE(world.RunUntil(replaced, absl::Minutes(1)));
    EXPECT_LE(world.world.Now().boot - stop, absl::Seconds(2)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ottoscale::kube
