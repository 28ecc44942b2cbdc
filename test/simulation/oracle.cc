#include "test/simulation/oracle.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace ottoscale::world {
namespace {

// A change of the spec reaches the operator through a watch that may break, back off and list again; a pass that has
// begun may still end. Until then the older version may be acted on.
constexpr absl::Duration kPropagation = absl::Minutes(3);
// From the start of a pass, which a cooldown is measured from, to the write at the cloud's door.
constexpr absl::Duration kLongestPass = absl::Seconds(60);

// A claim counts once the policy's own account has read the target; among many faults the first reading takes its time.
constexpr absl::Duration kFirstReading = absl::Minutes(15);

std::string Words(const simulation::HerokuWrite& write) {
  return absl::StrCat(write.app, " ", write.from, " -> ", write.to, " at ",
                      absl::FormatTime("%H:%M:%S", write.at.wall, absl::UTCTimeZone()));
}

}  // namespace

void Oracle::PolicySet(const PolicyFacts& facts) {
  targets_[facts.app].policies[facts.name].push_back({loop_.Now().boot, facts});
}

void Oracle::MadeAnew(const PolicyFacts& facts) { targets_[facts.app].made_anew[facts.name] = loop_.Now().boot; }

void Oracle::BeatAnswered(const std::string& app, absl::Duration took, int status) {
  targets_[app].beats.push_back({loop_.Now().boot, took, status});
}

const PolicyFacts* Oracle::Newest(const std::string& app) const {
  const auto target = targets_.find(app);
  if (target == targets_.end() || target->second.policies.empty()) return nullptr;
  return &target->second.policies.begin()->second.back().facts;
}

std::vector<PolicyFacts> Oracle::Recent(const Target& target, async::BootTime now) {
  std::vector<PolicyFacts> recent;
  for (const auto& [name, versions] : target.policies) {
    for (size_t i = 0; i < versions.size(); ++i) {
      const bool current = i + 1 == versions.size() || versions[i + 1].from + kPropagation >= now;
      if (current) recent.push_back(versions[i].facts);
    }
  }
  return recent;
}

// I1: every capacity written is within the bounds of a spec that was in force.
void Oracle::CheckBounds(const Target& target, const simulation::HerokuWrite& write, bool& correction) {
  bool inside = false;
  for (const PolicyFacts& facts : Recent(target, write.at.boot)) {
    inside = inside || (facts.min <= write.to && write.to <= facts.max);
    correction = correction || write.from < facts.min || write.from > facts.max;
  }
  if (!inside) Violate(absl::StrCat("I1 bounds: ", Words(write)));
}

// I14 and I15: nobody writes who may not, and of two who may neither does.
void Oracle::CheckPermission(const Target& target, const simulation::HerokuWrite& write) {
  const std::vector<PolicyFacts> recent = Recent(target, write.at.boot);
  const bool anybody = std::any_of(recent.begin(), recent.end(), [](const PolicyFacts& f) { return f.may_write; });
  if (!anybody) Violate(absl::StrCat("I14 suspended: ", Words(write)));
  int writers = 0;
  for (const auto& [name, versions] : target.policies) {
    const bool all_along =
        std::all_of(versions.begin(), versions.end(), [](const Version& v) { return v.facts.may_write; });
    const auto anew = target.made_anew.find(name);
    const async::BootTime since = anew == target.made_anew.end() ? versions.front().from : anew->second;
    writers += all_along && since + kFirstReading < write.at.boot;
  }
  if (writers > 1) Violate(absl::StrCat("I15 two policies, one target: ", Words(write)));
}

// I2: a decrease that corrects no bound rests on an answer that was really fast, and recent.
void Oracle::CheckFresh(const Target& target, const simulation::HerokuWrite& write) {
  // Between the last look and the write lies one request: what a person does in that moment nobody can see.
  if (target.human_at && *target.human_at + absl::Seconds(21) > write.at.boot) return;
  for (const PolicyFacts& facts : Recent(target, write.at.boot)) {
    const auto idle = [&](const Beat& beat) {
      return beat.status == 200 && absl::ToDoubleMilliseconds(beat.took) < facts.lower_ms &&
             beat.at + 3 * facts.poll + kLongestPass >= write.at.boot;
    };
    if (std::any_of(target.beats.rbegin(), target.beats.rend(), idle)) return;
  }
  Violate(absl::StrCat("I2 scale-in without a fast answer: ", Words(write)));
}

// I4: one change per cooldown, restarts included.
void Oracle::CheckCooldown(const Target& target, const simulation::HerokuWrite& write) {
  const bool out = write.to > write.from;
  // After a write whose answer was lost, a person who puts the capacity back makes it look as if it had never happened.
  const auto& last_write = target.writes.rbegin();
  if (last_write != target.writes.rend() && target.human_at && *target.human_at >= last_write->at.boot) return;
  // A policy made anew has no memory, and an operator that came after the write and had no time to read it from the
  // old one has none either.
  const auto forgotten = [&](async::BootTime at) {
    return std::any_of(target.made_anew.begin(), target.made_anew.end(), [&](const auto& anew) {
      return at <= anew.second && at <= started_ && anew.second <= started_ + kPropagation;
    });
  };
  for (auto last = target.writes.rbegin(); last != target.writes.rend(); ++last) {
    if (forgotten(last->at.boot)) return;
    const bool last_out = last->to > last->from;
    if (out && !last_out) continue;
    absl::Duration needed = absl::InfiniteDuration();
    for (const PolicyFacts& facts : Recent(target, write.at.boot)) {
      needed = std::min(needed, out ? facts.out_cooldown : facts.in_cooldown);
    }
    const absl::Duration gap = write.at.boot - last->at.boot;
    if (gap + kLongestPass < needed)
      Violate(absl::StrCat("I4 cooldown: ", Words(write), " after ", absl::FormatDuration(gap)));
    return;
  }
}

// I12: a crash or an unknown end repeats a value at most once, and never adds to it.
void Oracle::CheckRepeats(const Target& target, const simulation::HerokuWrite& write) {
  const size_t n = target.writes.size();
  if (write.from == write.to && n >= 2 && target.writes[n - 1].to == write.to && target.writes[n - 2].to == write.to) {
    Violate(absl::StrCat("I12 repeated twice: ", Words(write)));
  }
}

void Oracle::Written(const simulation::HerokuWrite& write) {
  Target& target = targets_[write.app];
  if (write.who == "human") {
    target.human_at = write.at.boot;
    return;
  }
  if (write.status == 422) Violate(absl::StrCat("I1 the cloud refused ", Words(write)));
  if (write.status != 200) return;
  ++accepted_;
  bool correction = false;
  CheckBounds(target, write, correction);
  CheckPermission(target, write);
  const bool in = write.to < write.from;
  if (in && !correction) CheckFresh(target, write);
  if (write.to != write.from && !correction) {
    CheckCooldown(target, write);
    if (std::abs(write.to - write.from) > 1) Violate(absl::StrCat("I9 step: ", Words(write)));
  }
  CheckRepeats(target, write);
  if (write.to != write.from) target.writes.push_back(write);
}

// I6 and I7: once faults have stopped and the load is constant, the capacity is where the thresholds want it and stays.
void Oracle::Settled(const std::string& app, int quantity, double response_ms, absl::Duration quiet) {
  const Target& target = targets_[app];
  const async::BootTime now = loop_.Now().boot;
  int writers = 0;
  for (const auto& [name, versions] : target.policies) writers += versions.back().facts.may_write;
  if (writers != 1) return;
  const PolicyFacts& facts = *Newest(app);
  if (quantity < facts.min || quantity > facts.max) {
    Violate(absl::StrCat("I6 not converged: ", app, " has ", quantity, " dynos, allowed are ", facts.min, " to ",
                         facts.max));
  }
  const bool wants_out = response_ms > facts.upper_ms * 1.1 && quantity < facts.max;
  const bool wants_in = response_ms < facts.lower_ms * 0.9 && quantity > facts.min;
  if (wants_out || wants_in) {
    Violate(absl::StrCat("I6 not converged: ", app, " answers in ", response_ms, " ms with ", quantity, " dynos"));
  }
  int turns = 0;
  int last = 0;
  for (const simulation::HerokuWrite& write : target.writes) {
    if (write.at.boot + quiet < now) continue;
    if (write.at.boot + absl::Minutes(8) > now) Violate(absl::StrCat("I6 still changing: ", Words(write)));
    const int direction = write.to > write.from ? 1 : -1;
    turns += last != 0 && direction != last;
    last = direction;
  }
  if (turns > 1) Violate(absl::StrCat("I7 oscillates: ", app, " changed its direction ", turns, " times"));
}

}  // namespace ottoscale::world
