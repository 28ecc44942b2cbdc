#include "test/simulation/books.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/codec/json.h"

namespace ottoscale::world {
namespace {

// A change that is pending longer than this among faults has been forgotten.
constexpr absl::Duration kLongestIntent = absl::Minutes(20);

std::string Words(const std::string& policy, int from, int to) { return absl::StrCat(policy, " ", from, " -> ", to); }

int Number(const nlohmann::json& object, std::initializer_list<absl::string_view> keys) {
  return static_cast<int>(codec::FindInt64(object, keys).value_or(-1));
}

const nlohmann::json& ListOf(const nlohmann::json& status, absl::string_view key) {
  static const nlohmann::json kNone = nlohmann::json::array();
  const nlohmann::json* list = codec::Find(status, key);
  return list != nullptr && list->is_array() ? *list : kNone;
}

bool Has(const nlohmann::json& list, const nlohmann::json& entry) {
  return std::find(list.begin(), list.end(), entry) != list.end();
}

}  // namespace

void Books::Stored(const kubeapi::ObjectKey& key, const std::string& app, const nlohmann::json& object) {
  const std::string name = key.ToString();
  const std::string uid = codec::StringOr(object, {"metadata", "uid"}, "");
  Policy& policy = policies_[name];
  policy.app = app;
  if (std::exchange(policy.uid, uid) != uid) {
    // Made anew: of what its predecessor was doing nobody may be left to tell; and its last words may come late.
    if (policy.intent) policy.intent->orphan = true;
    for (Asked& asked : policy.asked) asked.told = true;
    policy.intents = 0;
  }
  const nlohmann::json* status = codec::Find(object, "status");
  if (status == nullptr || *status == policy.status) return;
  const int capacity = Number(*status, {"targetCapacity"});
  if (capacity != -1 && !capacities_[app].contains(capacity)) {
    violate_(absl::StrCat("I5 no such capacity: ", name, " says ", capacity, ", which ", app, " has never had"));
  }
  ReadHistory(name, policy, *status);
  ReadLastApplied(name, policy, *status);
  ReadIntent(name, policy, *status);
  policy.status = *status;
}

void Books::ReadHistory(const std::string& name, Policy& policy, const nlohmann::json& status) {
  const nlohmann::json& old = ListOf(policy.status, "history");
  for (const nlohmann::json& entry : ListOf(status, "history")) {
    if (!Has(old, entry)) ReadEntry(name, policy, entry);
  }
}

void Books::ReadEntry(const std::string& name, Policy& policy, const nlohmann::json& entry) {
  const std::string result = codec::StringOr(entry, {"result"}, "");
  const int to = Number(entry, {"to"});
  const std::string change = Words(name, Number(entry, {"from"}), to);
  if (codec::StringOr(entry, {"reason"}, "").empty() || codec::StringOr(entry, {"message"}, "").empty()) {
    violate_(absl::StrCat("I5 no reason given: ", change, " ", result));
  }
  if (result != "Applied") return;
  Asked* asked = FindAccepted(policy, to);
  if (asked == nullptr && BroughtThereByHand(policy.app, to)) return;
  if (asked == nullptr) return violate_(absl::StrCat("I5 told and never made: ", change));
  asked->told = true;
  ++policy.told;
  if (policy.told > policy.logged) violate_(absl::StrCat("I5 no line in the log: ", change));
}

void Books::ReadLastApplied(const std::string& name, Policy& policy, const nlohmann::json& status) {
  const nlohmann::json* last = codec::Find(status, "lastApplied");
  const nlohmann::json* old = codec::Find(policy.status, "lastApplied");
  if (last == nullptr || (old != nullptr && *old == *last)) return;
  const int capacity = Number(*last, {"capacity"});
  Asked* asked = FindAccepted(policy, capacity);
  if (asked == nullptr && BroughtThereByHand(policy.app, capacity)) return;
  if (asked == nullptr) return violate_(absl::StrCat("I5 told and never made: ", name, " lastApplied ", capacity));
  asked->told = true;
}

void Books::ReadIntent(const std::string& name, Policy& policy, const nlohmann::json& status) {
  const nlohmann::json* pending = codec::Find(status, "pendingChange");
  std::optional<Intent> now;
  if (pending != nullptr) {
    now = Intent{.from = Number(*pending, {"from"}),
                 .to = Number(*pending, {"to"}),
                 .time = codec::StringOr(*pending, {"time"}, ""),
                 .since = loop_.Now().boot};
  }
  if (policy.intent && now && *policy.intent == *now) {
    if (loop_.Now().boot - policy.intent->since > kLongestIntent) {
      violate_(absl::StrCat("I5 pending for too long: ", Words(name, now->from, now->to)));
    }
    return;
  }
  // A pass that finds out how the last change ended may begin the next one: it tells of both when it is done.
  if (policy.intent && !now) Settle(name, policy, status);
  if (now) ++policy.intents;
  policy.intent = std::move(now);
}

// The change is no longer pending: what the cloud was asked for since must be told by now.
void Books::Settle(const std::string& name, Policy& policy, const nlohmann::json& status) {
  for (const Asked& asked : policy.asked) {
    const simulation::HerokuWrite& write = asked.write;
    if (asked.told || ScaledByHandSince(policy.app, write.at.boot)) continue;
    if (write.accepted()) {
      violate_(absl::StrCat("I5 made and never told: ", Words(name, write.from, write.to)));
      continue;
    }
    const nlohmann::json& history = ListOf(status, "history");
    const bool told = std::any_of(history.begin(), history.end(), [&write](const nlohmann::json& entry) {
      const std::string result = codec::StringOr(entry, {"result"}, "");
      return Number(entry, {"to"}) == write.to && (result == "Refused" || result == "Unknown");
    });
    if (!told && !asked.orphan) {
      violate_(absl::StrCat("I5 refused with ", write.status, " and never told: ", Words(name, write.from, write.to)));
    }
  }
  policy.asked.clear();
}

Books::Asked* Books::FindAccepted(Policy& policy, int to) {
  // The newest first: lastApplied and the history tell of the same write.
  for (auto asked = policy.asked.rbegin(); asked != policy.asked.rend(); ++asked) {
    if (asked->write.accepted() && asked->write.to == to) return &*asked;
  }
  return nullptr;
}

bool Books::ScaledByHandSince(const std::string& app, async::BootTime at) const {
  const auto by_hand = by_hand_.find(app);
  return by_hand != by_hand_.end() && by_hand->second.at >= at;
}

// Somebody did what the operator had meant to do: whose it was nobody can tell where the request was lost.
bool Books::BroughtThereByHand(const std::string& app, int to) const {
  const auto by_hand = by_hand_.find(app);
  return by_hand != by_hand_.end() && by_hand->second.to == to &&
         loop_.Now().boot - by_hand->second.at < kLongestIntent;
}

void Books::Written(const simulation::HerokuWrite& write) {
  if (write.accepted()) capacities_[write.app].insert(write.to);
  if (write.who == "human") {
    by_hand_[write.app] = {write.at.boot, write.to};
    return;
  }
  bool named = false;
  for (auto& [name, policy] : policies_) {
    if (policy.app != write.app || !policy.intent || policy.intent->to != write.to) continue;
    policy.asked.push_back({write, policy.intent->orphan});
    named = true;
  }
  if (!named) violate_(absl::StrCat("I5 asked without a decision: ", Words(write.app, write.from, write.to)));
}

void Books::Logged(absl::string_view line) {
  if (!absl::StrContains(line, "reason=ScaledOut") && !absl::StrContains(line, "reason=ScaledIn")) return;
  for (auto& [name, policy] : policies_) {
    if (absl::StrContains(line, absl::StrCat("policy=", name, " "))) ++policy.logged;
  }
}

void Books::OperatorDied() {
  for (auto& [name, policy] : policies_) {
    policy.intents = policy.told = policy.logged = 0;
    if (policy.intent) policy.intent->orphan = true;
    for (Asked& asked : policy.asked) asked.orphan = true;
  }
}

void Books::Counted(const std::string& name, uint64_t operations) {
  const auto policy = policies_.find(name);
  if (policy == policies_.end() || operations >= policy->second.intents) return;
  violate_(absl::StrCat("I5 without an end: ", name, " has decided ", policy->second.intents,
                        " changes, the metrics count the end of ", operations));
}

void Books::Close() {
  for (const auto& [name, policy] : policies_) {
    if (policy.intent)
      violate_(absl::StrCat("I5 still pending: ", Words(name, policy.intent->from, policy.intent->to)));
    for (const Asked& asked : policy.asked) {
      if (asked.write.accepted() && !asked.told && !ScaledByHandSince(policy.app, asked.write.at.boot)) {
        violate_(absl::StrCat("I5 made and never told: ", Words(name, asked.write.from, asked.write.to)));
      }
    }
  }
}

}  // namespace ottoscale::world
