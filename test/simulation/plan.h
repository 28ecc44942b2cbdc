// What will happen in a world, drawn from its seed before it begins: who is there, and a numbered list of disturbances.
// A disturbance depends on no other, so that a failing world can be run again with any part of the list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "pkg/simulation/load.h"
#include "test/simulation/facts.h"
#include "test/simulation/world.h"

namespace ottoscale::world {

enum class Lane { kKube, kCloud, kProbe };

struct Disturbance {
  enum class Kind {
    kFault,           // the network of `lane`: `fault` happens to this share of the requests
    kCrash,           // the operator dies `value` effects after this moment
    kScaleByHand,     // somebody sets the app to `value` dynos
    kEditMaximum,     // of the policy, to `value`
    kToggleWriting,   // of the policy: suspends it (or sets Recommend), or takes that back
    kRecreate,        // the policy is deleted and made anew
    kMaintenance,     // of the app
    kForgetHistory,   // the API server compacts: watches must list again
    kDynoCrash,       // the newest dyno of the app
    kBootFails,       // dynos of the app that come up crash
    kReleaseRuns,     // the app refuses changes
    kAccountRefused,  // every call of the account is answered with `value` (402 or 403)
    kAccountHangs,    // calls of the account get no answer
    kAppHangs,        // heartbeats of the app get no answer
    kSecretBroken,    // the account's Secret holds another key
    kBurst,           // edits of the policy that come and go within seconds; the last sets its maximum to `value`
    kEventsLost,      // no watch delivers anything; what it missed is compacted away
  };
  int number = 0;  // from 1, in the order in which they were drawn
  Kind kind = Kind::kFault;
  absl::Duration at;
  absl::Duration length;  // zero: a moment
  int which = 0;          // the app, policy or account
  int value = 0;
  Lane lane = Lane::kKube;
  int fault = 0;  // index into simulation::FaultRates, see kFaultNames
  double rate = 0;
  double silent = 0;  // see FaultRates::silent
};
// One line: "7  00:12:30 to 00:18:00 cloud: lost answer 4.2%".
std::string Describe(const Disturbance& disturbance);

constexpr int kFaultKinds = 9;
extern const char* const kFaultNames[kFaultKinds];

struct AppPlan {
  std::string name;
  int account = 0;
  int dynos = 1;
  std::vector<simulation::LoadPoint> load;
};
struct AccountPlan {
  std::string name;  // at the cloud
  std::string ns;
  std::string key;
};
struct Plan {
  std::vector<AccountPlan> accounts;
  std::vector<AppPlan> apps;
  std::vector<PolicyFacts> policies;  // the first of each app is its own; a rival comes last
  std::vector<Disturbance> disturbances;
};
Plan DrawPlan(const WorldOptions& options);

}  // namespace ottoscale::world
