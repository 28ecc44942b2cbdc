#include "test/simulation/plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pkg/async/random.h"

// Note [Steady load]
// Two runs of one world are compared with each other (twins.h), so its load must lead both through the same capacities,
// whatever the times of single requests. A dyno serves a request in 80 ms and answers in 80 / (1 - 0.08 rate) ms. At 9
// requests a second for each of L dynos, L - 1 dynos are overloaded, L answer in 286 ms and L + 1 in no less than
// 125 ms; at 1 request a second any number of dynos answers in less than 90 ms. A step is long enough to arrive.

namespace ottoscale::world {
namespace {

using Kind = Disturbance::Kind;

constexpr absl::Duration kSteadyStep = absl::Minutes(25);
constexpr absl::Duration kBurstAt = absl::Minutes(16);  // of a step: by then all has settled

class Drawing {
 public:
  explicit Drawing(const WorldOptions& options)
      : options_(options), who_(options.seed * 2 + 1), what_(~(options.seed * 2 + 1)) {}

  Plan Draw() {
    plan_.accounts = {{"ops", "shop", "canary-5b1d7e93a0c24f68-heroku-key"},
                      {"dev", "lab", "canary-2f40c8e7716b4d0a-heroku-key"}};
    const bool steady = options_.shape != Shape::kChaos;
    DrawApps(steady);
    switch (options_.shape) {
      case Shape::kChaos: DrawChaos(); break;
      case Shape::kSteady: break;
      case Shape::kBadNeighbour: DrawNeighbour(3, absl::Minutes(20)); break;
      case Shape::kEvents:
      case Shape::kEventsLost: DrawBursts(); break;
    }
    return std::move(plan_);
  }

 private:
  int Who(int low, int high) { return In(who_, low, high); }
  int What(int low, int high) { return In(what_, low, high); }
  static int In(async::Random& random, int low, int high) {
    return low + static_cast<int>(random.Below(static_cast<uint64_t>(high - low) + 1));
  }
  absl::Duration Sometime(absl::Duration length) {
    const absl::Duration room = std::max(options_.chaos - length, absl::Seconds(1));
    return absl::Seconds(What(0, static_cast<int>(absl::ToInt64Seconds(room))));
  }

  void DrawApps(bool steady) {
    const int apps = steady ? 3 : Who(2, 3);
    for (int i = 0; i < apps; ++i) {
      AppPlan app{.name = absl::StrCat("app-", i), .account = std::min(i, 1), .dynos = Who(1, 4)};
      for (absl::Duration at; at < options_.chaos; at += steady ? kSteadyStep : absl::Minutes(Who(4, 15))) {
        app.load.push_back({at, steady ? SteadyRate() : 0.5 * Who(2, 90)});
      }
      plan_.policies.push_back(DrawPolicy(absl::StrCat("policy-", i), app.name, app.account, steady));
      plan_.apps.push_back(std::move(app));
    }
    if (!steady && options_.people && who_.Chance(0.2)) {
      plan_.policies.push_back(DrawPolicy("rival", plan_.apps.front().name, Who(0, 1), steady));
    }
  }

  // See Note [Steady load].
  double SteadyRate() {
    const int level = Who(0, 4);
    return level == 0 ? 1 : 9 * level;
  }

  PolicyFacts DrawPolicy(const std::string& name, const std::string& app, int account, bool steady) {
    return {.name = name,
            .ns = plan_.accounts[static_cast<size_t>(account)].ns,
            .app = app,
            .account = account,
            .min = steady ? 1 : Who(1, 2),
            .max = steady ? 4 : Who(3, 6),
            .poll = absl::Seconds(30),
            .out_cooldown = absl::Seconds(60 * Who(0, steady ? 1 : 3)),
            .in_cooldown = absl::Seconds(60 * Who(0, steady ? 1 : 3)),
            .recommends = who_.Chance(0.5)};
  }

  void Add(Disturbance disturbance) {
    disturbance.number = static_cast<int>(plan_.disturbances.size()) + 1;
    plan_.disturbances.push_back(disturbance);
  }

  // Each lane has its own swarm: a kind of fault is off, or comes for a while, now and then.
  void DrawFaults(Lane lane, double most) {
    for (int fault = 0; fault < kFaultKinds; ++fault) {
      if (what_.Chance(0.3)) continue;
      for (int times = What(1, 3); times > 0; --times) {
        const absl::Duration length = absl::Seconds(What(120, 1200));
        Add({.kind = Kind::kFault,
             .at = Sometime(length),
             .length = length,
             .lane = lane,
             .fault = fault,
             .rate = most * what_.Unit(),
             .silent = what_.Unit()});
      }
    }
  }

  void DrawPerson() {
    static constexpr Kind kKinds[] = {
        Kind::kScaleByHand,   Kind::kScaleByHand, Kind::kEditMaximum,   Kind::kEditMaximum, Kind::kToggleWriting,
        Kind::kToggleWriting, Kind::kMaintenance, Kind::kForgetHistory, Kind::kDynoCrash,   Kind::kRecreate};
    Disturbance person{.kind = kKinds[what_.Below(std::size(kKinds))]};
    const bool of_policy =
        person.kind == Kind::kEditMaximum || person.kind == Kind::kToggleWriting || person.kind == Kind::kRecreate;
    person.which = What(0, static_cast<int>(of_policy ? plan_.policies.size() : plan_.apps.size()) - 1);
    person.value = person.kind == Kind::kEditMaximum ? What(3, 6) : What(1, 7);
    if (person.kind == Kind::kMaintenance) person.length = absl::Minutes(What(2, 12));
    person.at = Sometime(person.length);
    Add(person);
  }

  // The second account and what belongs to it have a bad day.
  void DrawNeighbour(int times, absl::Duration longest) {
    static constexpr Kind kKinds[] = {Kind::kAccountHangs, Kind::kAppHangs,    Kind::kAccountRefused,
                                      Kind::kBootFails,    Kind::kReleaseRuns, Kind::kSecretBroken};
    const auto apps = static_cast<int>(plan_.apps.size());
    for (int i = 0; i < times; ++i) {
      // In the twins, which are there for this, the two that wait longest come for sure.
      const bool sure = options_.shape == Shape::kBadNeighbour && i < 2;
      Disturbance trouble{.kind = kKinds[sure ? static_cast<size_t>(i) : what_.Below(std::size(kKinds))]};
      const bool of_account = trouble.kind == Kind::kAccountHangs || trouble.kind == Kind::kAccountRefused ||
                              trouble.kind == Kind::kSecretBroken;
      trouble.which = of_account ? 1 : What(1, apps - 1);
      trouble.value = what_.Chance(0.5) ? 402 : 403;
      trouble.length = longest * (0.3 + 0.7 * what_.Unit());
      trouble.at = Sometime(trouble.length);
      Add(trouble);
    }
  }

  void DrawChaos() {
    if (options_.faults) {
      DrawFaults(Lane::kKube, 0.1);
      DrawFaults(Lane::kCloud, 0.1);
      DrawFaults(Lane::kProbe, 0.2);
    }
    if (options_.people) {
      for (int acts = What(5, 11); acts > 0; --acts) DrawPerson();
      if (what_.Chance(0.4)) DrawNeighbour(What(1, 2), absl::Minutes(10));
    }
    if (options_.random_crashes) {
      for (int crashes = What(0, 5); crashes > 0; --crashes) {
        Add({.kind = Kind::kCrash, .at = Sometime({}), .value = What(1, 80)});
      }
    }
  }

  // Edits that come and go while nothing moves. In the one run every event of them arrives, in the other none does.
  void DrawBursts() {
    for (absl::Duration step; step + kSteadyStep <= options_.chaos; step += kSteadyStep) {
      const absl::Duration at = step + kBurstAt;
      if (options_.shape == Shape::kEventsLost) {
        Add({.kind = Kind::kEventsLost, .at = at - absl::Seconds(5), .length = absl::Seconds(45)});
      }
      for (int i = 0; i < static_cast<int>(plan_.policies.size()); ++i) {
        Add({.kind = Kind::kBurst, .at = at + absl::Seconds(4 * i), .which = i, .value = What(2, 4)});
      }
    }
  }

  const WorldOptions& options_;
  async::Random who_;   // who is there
  async::Random what_;  // what happens
  Plan plan_;
};

const char* LaneName(Lane lane) {
  switch (lane) {
    case Lane::kKube: return "kube";
    case Lane::kCloud: return "cloud";
    case Lane::kProbe: return "probe";
  }
}

std::string Words(const Disturbance& d) {
  const std::string app = absl::StrCat("app-", d.which);
  const std::string policy = absl::StrCat("policy number ", d.which);
  const std::string account = absl::StrCat("account ", d.which);
  switch (d.kind) {
    case Kind::kFault: return absl::StrFormat("%s: %s %.1f%%", LaneName(d.lane), kFaultNames[d.fault], 100 * d.rate);
    case Kind::kCrash: return absl::StrCat("the operator dies ", d.value, " effects later");
    case Kind::kScaleByHand: return absl::StrCat("somebody sets ", app, " to ", d.value, " dynos");
    case Kind::kEditMaximum: return absl::StrCat(policy, ": the maximum becomes ", d.value);
    case Kind::kToggleWriting: return absl::StrCat(policy, " is suspended, or resumed");
    case Kind::kRecreate: return absl::StrCat(policy, " is deleted and made anew");
    case Kind::kMaintenance: return absl::StrCat(app, " is in maintenance");
    case Kind::kForgetHistory: return "the API server compacts its history";
    case Kind::kDynoCrash: return absl::StrCat("a dyno of ", app, " crashes");
    case Kind::kBootFails: return absl::StrCat("dynos of ", app, " crash when they start");
    case Kind::kReleaseRuns: return absl::StrCat("a release of ", app, " runs");
    case Kind::kAccountRefused: return absl::StrCat(account, " is refused with ", d.value);
    case Kind::kAccountHangs: return absl::StrCat("calls of ", account, " hang");
    case Kind::kAppHangs: return absl::StrCat("heartbeats of ", app, " hang");
    case Kind::kSecretBroken: return absl::StrCat("the Secret of ", account, " holds another key");
    case Kind::kBurst: return absl::StrCat(policy, ": a burst of edits ends with the maximum ", d.value);
    case Kind::kEventsLost: return "no watch delivers anything";
  }
}

}  // namespace

const char* const kFaultNames[kFaultKinds] = {"slow", "lost request", "lost answer",    "5xx",      "error after",
                                              "429",  "garbage",      "truncated body", "slow body"};

std::string Describe(const Disturbance& disturbance) {
  const auto clock = [](absl::Duration at) {
    return absl::FormatTime("%H:%M:%S", absl::UnixEpoch() + at, absl::UTCTimeZone());
  };
  const std::string until =
      disturbance.length > absl::ZeroDuration() ? absl::StrCat(" to ", clock(disturbance.at + disturbance.length)) : "";
  return absl::StrCat(disturbance.number, "  ", clock(disturbance.at), until, "  ", Words(disturbance));
}

Plan DrawPlan(const WorldOptions& options) { return Drawing(options).Draw(); }

}  // namespace ottoscale::world
