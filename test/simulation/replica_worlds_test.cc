// I3: two whole operators in one world, of which one may write. They are stopped in the middle and go on, lose the API
// server, die without a word. At the door to the network, where a process hands over a write to the cloud, an oracle
// reads the Lease as the API server has it: who writes must be its holder, and its time must not be up.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "operator/host.h"
#include "operator/program.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/deadline.h"
#include "pkg/async/promise.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/http/loopback.h"
#include "pkg/kube/leader_election.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/kubeapi/time_format.h"
#include "pkg/simulation/faults.h"
#include "pkg/simulation/heroku.h"
#include "pkg/simulation/web_app.h"
#include "test/simulation/manifests.h"
#include "test/simulation/network.h"
#include "test/simulation/process_loop.h"

namespace ottoscale::world {
namespace {

constexpr char kKey[] = "canary-71c09be2aa5d4f13-heroku-key";

// From a process into the world: what was handed over arrives, whatever becomes of the process.
class Door final : public http::Transport {
 public:
  using Guard = std::function<void(const http::Request&)>;
  Door(async::SimulatedLoop& world, ProcessLoop& process, http::Transport& outside, Guard guard)
      : process_(process), outside_(outside), guard_(std::move(guard)), under_way_(world) {}

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override {
    guard_(request);
    const async::Promise<Answer> promise(process_);
    under_way_.Spawn(Carry(outside_, std::move(request), deadline, promise));
    auto waiting = Wait(promise.GetFuture());
    co_return co_await async::WithDeadline(deadline, std::move(waiting));
  }
  async::Scope& under_way() { return under_way_; }

 private:
  struct Answer {
    absl::StatusOr<http::Response> response;
  };
  static async::Task<void> Carry(http::Transport& outside, http::Request request, async::BootTime deadline,
                                 async::Promise<Answer> promise) {
    promise.Set(Answer{co_await outside.Send(std::move(request), deadline)});
  }
  static async::Task<absl::StatusOr<http::Response>> Wait(async::Future<Answer> future) {
    absl::StatusOr<Answer> answer = co_await std::move(future);
    if (answer.ok()) co_return std::move(answer->response);
    const bool late = absl::IsDeadlineExceeded(answer.status());
    co_return http::MakeFailure({late ? http::Failure::kTimeout : http::Failure::kCancelled, true}, "gave up");
  }

  ProcessLoop& process_;
  http::Transport& outside_;
  Guard guard_;
  async::Scope under_way_;
};

// One operator, from its start to its end. It is kept to the end of the world: callbacks of its loop may come late.
struct Replica {
  struct Parts {
    async::SimulatedLoop& world;
    http::Transport& kube;
    http::Transport& cloud;
    http::Transport& probe;
    std::string identity;
    std::function<void(const std::string& identity)> writes;  // hands over a write to the cloud
    bool ignores_the_lease = false;                           // the seeded bug
  };
  explicit Replica(Parts parts)
      : loop(parts.world, 1),
        kube_wire(parts.world, parts.kube, "kube", wire),
        cloud_wire(parts.world, parts.cloud, "cloud", wire),
        probe_wire(parts.world, parts.probe, "probe", wire),
        kube(parts.world, loop, kube_wire, [](const http::Request&) {}),
        cloud(parts.world, loop, cloud_wire,
              [this, writes = parts.writes, identity = parts.identity](const http::Request& request) {
                if (request.method != "GET" && !wire.cut()) writes(identity);
              }),
        probe(parts.world, loop, probe_wire, [](const http::Request&) {}),
        providers(operator_main::MakeProviders(loop, cloud, probe, {})),
        log({.loop = loop,
             .sink = [](telemetry::Level, absl::string_view) {},
             .format = telemetry::Format::kLogfmt,
             .level = telemetry::Level::kError}),
        options({.ns = "ops", .identity = parts.identity}),
        client(kube, kube::LeaderClientOptions({.base_url = "http://kube.sim"}, options)),
        elector(loop, client, options),
        program({.loop = loop,
                 .kube = kube,
                 .kube_url = "http://kube.sim",
                 .providers = providers,
                 .log = log,
                 .registry = registry,
                 .lease_left =
                     [this, ignores = parts.ignores_the_lease] {
                       return ignores ? absl::InfiniteDuration() : elector.LeaseLeft();
                     },
                 .instance = parts.identity}),
        running(loop) {
    program.Start();
    running.Spawn(Run(*this, parts.ignores_the_lease));
  }

  static async::Task<void> Run(Replica& replica, bool ignores_the_lease) {
    if (!(co_await replica.elector.Acquire()).ok()) co_return;
    if (!(co_await replica.program.Lead()).ok()) co_return;
    const absl::Status end = co_await replica.elector.Hold();
    // A lost lease ends the process at once; the bug is to go on as if nothing had happened.
    if (!absl::IsCancelled(end) && !ignores_the_lease) replica.wire.CutNow();
  }

  ProcessLoop loop;
  simulation::Wire wire;
  simulation::FaultyTransport kube_wire;
  simulation::FaultyTransport cloud_wire;
  simulation::FaultyTransport probe_wire;
  Door kube;
  Door cloud;
  Door probe;
  ports::Providers providers;
  telemetry::Registry registry;
  telemetry::Log log;
  const kube::LeaderElectionOptions options;
  kube::Client client;
  kube::LeaderElector elector;
  operator_main::Program program;
  async::Scope running;
};

class TwoReplicas {
 public:
  TwoReplicas(uint64_t seed, bool ignores_the_lease)
      : plan_(seed * 2 + 1), ignores_the_lease_(ignores_the_lease), world_(seed) {
    heroku_.AddAccount("ops", kKey);
    heroku_.AddApp("app-0", "00000000-aaaa-4bbb-8ccc-dddddddddddd", "web", 2);
    std::vector<simulation::LoadPoint> load;
    for (absl::Duration at; at < absl::Hours(1); at += absl::Minutes(2)) {
      load.push_back({at, 0.5 * static_cast<double>(2 + plan_.Below(88))});
    }
    app_ = std::make_unique<simulation::SimulatedApp>(
        world_, simulation::WebAppOptions{.noise = 0}, simulation::Steps(std::move(load)),
        [this] { return heroku_.Up("app-0", "web"); }, [] { return true; });
    internet_.Add("app-0", *app_);
    Put(kubeapi::Secrets(), SecretObject("shop", kKey));
    Put(kubeapi::CloudAccounts(), AccountObject("shop"));
    Put(kubeapi::ScalingPolicies(),
        PolicyObject({.name = "policy", .ns = "shop", .app = "app-0", .max = 6, .poll = absl::Seconds(5)}));
    heroku_.OnWrite([this](const simulation::HerokuWrite& write) { writes += write.accepted(); });
    for (std::unique_ptr<Replica>& replica : living_) replica = Begin();
  }
  ~TwoReplicas() {
    for (std::unique_ptr<Replica>& replica : living_) End(std::move(replica));
  }

  void Run() {
    for (int i = 0; i < 40; ++i) {
      Pass(absl::Milliseconds(static_cast<int64_t>(5'000 + plan_.Below(60'000))));
      std::unique_ptr<Replica>& replica = living_[plan_.Below(2)];
      leaders += replica->elector.leading();
      switch (plan_.Below(4)) {
        case 0: Stop(*replica); break;
        case 1: Isolate(*replica); break;
        case 2: Replace(replica); break;
        case 3: Trouble(); break;
      }
    }
  }

  std::vector<std::string> violations;
  int writes = 0;
  int leaders = 0;  // disturbances that hit the leader
  int replaced = 0;

 private:
  std::unique_ptr<Replica> Begin() {
    return std::make_unique<Replica>(
        Replica::Parts{.world = world_,
                       .kube = kube_,
                       .cloud = cloud_,
                       .probe = probe_,
                       .identity = absl::StrCat("replica-", ++born_),
                       .writes = [this](const std::string& identity) { CheckWriter(identity); },
                       .ignores_the_lease = ignores_the_lease_});
  }
  // SIGKILL: nothing of what is dismantled here reaches the world.
  void End(std::unique_ptr<Replica> replica) {
    replica->wire.CutNow();
    if (replica->loop.stopped()) replica->loop.GoOn();
    replica->running.Cancel();
    world_.Run(JoinAll(*replica));
    world_.Run(replica->program.Stop(world_.Now().boot));
    for (Door* door : {&replica->kube, &replica->cloud, &replica->probe}) door->under_way().Cancel();
    for (Door* door : {&replica->kube, &replica->cloud, &replica->probe}) {
      world_.RunUntilDone([door] { return door->under_way().running() == 0; });
    }
    dead_.push_back(std::move(replica));
  }
  static async::Task<void> JoinAll(Replica& replica) { co_await replica.running.Join(); }
  void Replace(std::unique_ptr<Replica>& replica) {
    ++replaced;
    End(std::move(replica));
    replica = Begin();
  }
  // Lets time pass. A process that has ended itself is started again.
  void Pass(absl::Duration duration) {
    const async::BootTime end = world_.Now().boot + duration;
    while (world_.Now().boot < end) {
      world_.RunUntil(std::min(end, world_.Now().boot + absl::Seconds(1)));
      for (std::unique_ptr<Replica>& replica : living_) {
        if (replica->wire.cut() && !replica->loop.stopped()) Replace(replica);
      }
    }
  }
  // SIGSTOP and SIGCONT.
  void Stop(Replica& replica) {
    replica.loop.Stop();
    Sleep(1, 60);
    replica.loop.GoOn();
  }
  void Isolate(Replica& replica) {
    replica.kube_wire.SetRates({.lost_request = 1, .silent = 0.5});
    Sleep(1, 60);
    replica.kube_wire.SetRates({});
  }
  void Trouble() {
    for (const bool on : {true, false}) {
      for (const std::unique_ptr<Replica>& replica : living_) {
        replica->kube_wire.SetRates(on ? simulation::DrawRates(plan_, 0.2) : simulation::FaultRates{});
        replica->cloud_wire.SetRates(on ? simulation::DrawRates(plan_, 0.2) : simulation::FaultRates{});
      }
      if (on) Sleep(10, 90);
    }
  }
  // Without looking after those that have ended: the one that is disturbed must stay.
  void Sleep(uint64_t low, uint64_t high) {
    world_.RunFor(absl::Milliseconds(static_cast<int64_t>(1000 * low + plan_.Below(1000 * (high - low)))));
  }

  void CheckWriter(const std::string& identity) {
    const auto stored = store_.Get(kubeapi::Leases(), {"ops", "ottoscale"});
    std::string holder = "nobody";
    absl::Time until;
    if (stored.ok() && stored->has_value()) {
      const nlohmann::json& lease = *(*stored)->object;
      holder = codec::StringOr(lease, {"spec", "holderIdentity"}, "nobody");
      const auto renewed = kubeapi::ParseTime(codec::StringOr(lease, {"spec", "renewTime"}, ""));
      const auto seconds = codec::FindInt64(lease, {"spec", "leaseDurationSeconds"});
      if (renewed.ok() && seconds) until = *renewed + absl::Seconds(*seconds);
    }
    const absl::Time now = world_.Now().wall;
    if (holder == identity && now < until) return;
    violations.push_back(absl::StrCat("I3 one writer: ", identity, " writes at ",
                                      absl::FormatTime("%H:%M:%E3S", now, absl::UTCTimeZone()), ", the lease is of ",
                                      holder, " until ", absl::FormatTime("%H:%M:%E3S", until, absl::UTCTimeZone())));
  }
  void Put(const kubeapi::Resource& resource, const nlohmann::json& object) {
    CHECK(world_.Run(api_.Handle(Applying(resource, object))).status / 100 == 2, "applied");
  }

  async::Random plan_;
  const bool ignores_the_lease_;
  async::SimulatedLoop world_;
  apiserver::MemoryStore store_;
  apiserver::ApiServer api_{world_, store_};
  http::Loopback kube_{world_, api_};
  simulation::SimulatedHeroku heroku_{world_};
  http::Loopback cloud_{world_, heroku_};
  Internet internet_{world_, {.asked = [](const std::string&) {}, .answered = [](const auto&, auto, int) {}}};
  http::Loopback probe_{world_, internet_};
  std::unique_ptr<simulation::SimulatedApp> app_;
  int born_ = 0;
  std::vector<std::unique_ptr<Replica>> dead_;
  std::array<std::unique_ptr<Replica>, 2> living_;
};

TEST(ReplicaWorlds, HaveOneWriter) {
  const char* text = std::getenv("OTTOSCALE_WORLDS");
  const uint64_t count = std::max<uint64_t>(5, (text == nullptr ? 0 : std::strtoull(text, nullptr, 10)) / 20);
  int writes = 0;
  int leaders = 0;
  int replaced = 0;
  for (uint64_t seed = 1; seed <= count; ++seed) {
    TwoReplicas world(seed, false);
    world.Run();
    EXPECT_TRUE(world.violations.empty()) << "seed " << seed << ": " << world.violations.front();
    writes += world.writes;
    leaders += world.leaders;
    replaced += world.replaced;
  }
  std::printf("[replicas] %llu worlds, %d writes, %d times the leader was hit, %d operators replaced\n",
              static_cast<unsigned long long>(count), writes, leaders, replaced);
  EXPECT_GT(writes, static_cast<int>(3 * count)) << "worlds in which nothing happens prove nothing";
  EXPECT_GT(leaders, static_cast<int>(5 * count));
}

TEST(ReplicaWorlds, FindAnOperatorThatIgnoresTheLease) {
  std::string found;
  uint64_t seed = 0;
  while (found.empty() && ++seed <= 20) {
    TwoReplicas world(seed, true);
    world.Run();
    if (!world.violations.empty()) found = world.violations.front();
  }
  EXPECT_FALSE(found.empty());
  std::printf("[mutants] ignores the lease    %s (in world %llu)\n", found.c_str(),
              static_cast<unsigned long long>(seed));
}

}  // namespace
}  // namespace ottoscale::world
