#include "pkg/manifest/memory.h"

#include <algorithm>
#include <limits>

#include "nlohmann/json.hpp"
#include "pkg/codec/json.h"

namespace ottoscale::manifest {
namespace {

using async::BootTime;
using async::Instant;
using nlohmann::json;

constexpr size_t kMaxText = 65'536;
constexpr size_t kMaxItems = decision::History::kMaxEntries;

// Writes times as nanoseconds before `now`.
class Writer {
 public:
  explicit Writer(Instant now) : now_(now) {}

  int64_t Ago(BootTime at) const { return absl::ToInt64Nanoseconds(now_.boot - at); }
  // The wall clock may have been set between: its own distance is written where it is another one.
  json Ago(const Instant& at) const {
    const int64_t boot = Ago(at.boot);
    const int64_t wall = absl::ToInt64Nanoseconds(now_.wall - at.wall);
    return boot == wall ? json(boot) : json::array({boot, wall});
  }
  json Write(const decision::Change& change) const { return json::array({Ago(change.at), change.from, change.to}); }

  json Write(const decision::SampleWindow& window) const {
    json out = json::object();
    for (const decision::SampleSlot& slot : window.slots) {
      out["slots"].push_back(json::array({Ago(slot.start), slot.sum, slot.count, slot.censored}));
    }
    out["smoothed"] = window.smoothed;
    Put(out, "censored", window.censored_at);
    Put(out, "last", window.last);
    Put(out, "since", window.since);
    return out;
  }

  json Write(const decision::Overload& overload) const { return json::array({overload.ready, overload.response}); }

  json Write(const decision::MetricHistory& metric) const {
    json out = {{"name", metric.name}, {"run", metric.run}, {"above", metric.above}};
    if (metric.last) out["last"] = Write(*metric.last);
    if (metric.lowest) out["lowest"] = *metric.lowest;
    if (metric.drop) {
      out["drop"] = json::array({metric.drop->reference, metric.drop->samples, Ago(metric.drop->since)});
    }
    if (metric.overload) out["overload"] = Write(*metric.overload);
    if (metric.relief) {
      out["relief"] = json::array(
          {Write(metric.relief->before), metric.relief->ready, metric.relief->response, Ago(metric.relief->at)});
    }
    if (metric.window.last) out["window"] = Write(metric.window);
    for (const std::optional<decision::Mark>& mark : metric.marks.newest_first) {
      if (mark) out["marks"].push_back(json::array({Ago(mark->at), mark->value}));
    }
    return out;
  }

  json Write(const decision::Sample& sample) const {
    json out = {{"unit", sample.unit}};
    if (sample.state == decision::SampleState::kMissing) {
      out["missing"] = static_cast<int>(sample.missing);
      return out;
    }
    out["value"] = sample.value;
    out["ago"] = Ago(sample.measured_at);
    if (sample.state == decision::SampleState::kCensored) out["censored"] = true;
    if (sample.nodes) out["nodes"] = *sample.nodes;
    return out;
  }

  json Write(const decision::Observation& seen) const {
    json out = json::object();
    for (const decision::Sample& sample : seen.samples) out["samples"].push_back(Write(sample));
    if (seen.probes_suspect) out["suspect"] = true;
    const decision::TargetState* target = seen.state();
    if (target == nullptr) {
      out["failure"] = static_cast<int>(seen.failure()->fault);
      return out;
    }
    out["target"] = {{"uid", target->uid},     {"unit", target->unit}, {"desired", target->desired},
                     {"ready", target->ready}, {"off", target->off},   {"read", Ago(target->read_at)}};
    if (target->ceiling) out["target"]["ceiling"] = *target->ceiling;
    return out;
  }

  json Write(const decision::History& history) const {
    json out = {{"uid", history.target_uid}};
    for (const decision::MetricHistory& metric : history.metrics) out["metrics"].push_back(Write(metric));
    for (const decision::Recommendation& old : history.recommendations) {
      out["recommendations"].push_back(json::array({Ago(old.at), old.capacity, old.least}));
    }
    for (const decision::Change& change : history.changes) out["changes"].push_back(Write(change));
    Put(out, "lastOut", history.last_scale_out);
    Put(out, "lastIn", history.last_scale_in);
    if (history.last_applied) out["lastApplied"] = Write(*history.last_applied);
    if (history.last_external) out["lastExternal"] = Write(*history.last_external);
    Put(out, "valid", history.valid_at);
    Put(out, "lastPass", history.last_pass);
    Put(out, "watching", history.watching_since);
    Put(out, "observing", history.observing_since);
    Put(out, "inFlight", history.in_flight_since);
    if (history.boot_time) out["bootTime"] = absl::ToInt64Nanoseconds(*history.boot_time);
    if (history.pending) {
      out["pending"] =
          json::array({history.pending->from, history.pending->to, history.pending->cause == decision::Cause::kBounds,
                       absl::ToInt64Nanoseconds(now_.wall - history.pending->time)});
    }
    if (history.write_unknown) out["unknown"] = Ago(history.unknown_at);
    if (history.known_desired) out["known"] = *history.known_desired;
    if (history.ceiling) out["ceiling"] = *history.ceiling;
    Put(out, "ceilingSince", history.ceiling_since);
    if (history.state_lost) out["lost"] = true;
    return out;
  }

 private:
  template <typename Time>
  void Put(json& object, const char* key, const std::optional<Time>& at) const {
    if (at) object[key] = Ago(*at);
  }
  Instant now_;
};

const json& Item(const json& array, size_t i) {
  static const json kNone;
  return array.is_array() && i < array.size() ? array[i] : kNone;
}

int Int(const json& value) {
  const std::optional<int64_t> number = codec::ToInt64(value);
  const bool fits = number && *number >= std::numeric_limits<int>::min() && *number <= std::numeric_limits<int>::max();
  return fits ? static_cast<int>(*number) : 0;
}
double Double(const json& value) {
  return value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
}
bool Bool(const json& value) { return value.is_boolean() && value.get<bool>(); }

class Reader {
 public:
  explicit Reader(Instant now) : now_(now) {}

  BootTime Boot(const json& ago) const { return now_.boot - Nanoseconds(ago); }
  Instant At(const json& ago) const {
    if (!ago.is_array()) return {now_.wall - Nanoseconds(ago), Boot(ago)};
    return {now_.wall - Nanoseconds(Item(ago, 1)), Boot(Item(ago, 0))};
  }
  decision::Change Change(const json& of) const {
    return {.at = At(Item(of, 0)), .from = Int(Item(of, 1)), .to = Int(Item(of, 2))};
  }

  decision::SampleWindow Window(const json& of) const {
    decision::SampleWindow window;
    Each(of, "slots", [&](const json& slot) {
      const int count = Int(Item(slot, 2));
      if (count <= 0) return;  // nothing would be its mean
      window.slots.push_back({.start = Boot(Item(slot, 0)),
                              .sum = Double(Item(slot, 1)),
                              .count = count,
                              .censored = Bool(Item(slot, 3))});
    });
    if (const json* smoothed = codec::Find(of, "smoothed")) window.smoothed = Double(*smoothed);
    window.censored_at = OptionalBoot(of, "censored");
    window.last = OptionalBoot(of, "last");
    window.since = OptionalBoot(of, "since");
    return window;
  }

  decision::Sample Sample(const json& of) const {
    decision::Sample sample{.unit = codec::StringOr(of, {"unit"}, "")};
    const json* value = codec::Find(of, "ago");
    if (value == nullptr) {
      sample.missing = Enum(of, "missing", decision::MissingReason::kNotRead);
      return sample;
    }
    sample.state = codec::FindBool(of, {"censored"}).value_or(false) ? decision::SampleState::kCensored
                                                                     : decision::SampleState::kValid;
    sample.measured_at = At(*value);
    const json* number = codec::Find(of, "value");
    sample.value = number == nullptr ? std::numeric_limits<double>::quiet_NaN() : Double(*number);
    if (const json* nodes = codec::Find(of, "nodes")) sample.nodes = Double(*nodes);
    return sample;
  }

  // Instances divide: none is taken for one.
  static decision::Overload Overload(const json& of) {
    return {.ready = std::max(1, Int(Item(of, 0))), .response = Double(Item(of, 1))};
  }
  decision::Relief Relief(const json& of) const {
    return {.before = Overload(Item(of, 0)),
            .ready = std::max(1, Int(Item(of, 1))),
            .response = Double(Item(of, 2)),
            .at = Boot(Item(of, 3))};
  }

  decision::MetricHistory Metric(const json& of) const {
    decision::MetricHistory metric{.name = codec::StringOr(of, {"name"}, ""),
                                   .above = codec::FindBool(of, {"above"}).value_or(false)};
    if (const json* run = codec::Find(of, "run")) metric.run = Int(*run);
    if (const json* last = codec::Find(of, "last")) metric.last = Sample(*last);
    if (const json* lowest = codec::Find(of, "lowest")) metric.lowest = Double(*lowest);
    if (const json* drop = codec::Find(of, "drop")) {
      metric.drop = decision::Drop{Double(Item(*drop, 0)), Int(Item(*drop, 1)), Boot(Item(*drop, 2))};
    }
    if (const json* overload = codec::Find(of, "overload")) metric.overload = Overload(*overload);
    if (const json* relief = codec::Find(of, "relief")) metric.relief = Relief(*relief);
    if (const json* window = codec::Find(of, "window")) metric.window = Window(*window);
    if (const json* marks = codec::Find(of, "marks")) {
      for (size_t i = 0; i < metric.marks.newest_first.size(); ++i) {
        const json& mark = Item(*marks, i);
        if (mark.is_array()) metric.marks.newest_first[i] = decision::Mark{Boot(Item(mark, 0)), Double(Item(mark, 1))};
      }
    }
    return metric;
  }

  decision::Observation Seen(const json& of) const {
    decision::Observation seen{.probes_suspect = codec::FindBool(of, {"suspect"}).value_or(false)};
    Each(of, "samples", [&](const json& sample) { seen.samples.push_back(Sample(sample)); });
    const json* target = codec::Find(of, "target");
    if (target == nullptr) {
      seen.target = decision::TargetFailure{.fault = Enum(of, "failure", decision::TargetFault::kAccountNotReady)};
      return seen;
    }
    decision::TargetState state{.uid = codec::StringOr(*target, {"uid"}, ""),
                                .unit = codec::StringOr(*target, {"unit"}, "instances"),
                                .off = codec::FindBool(*target, {"off"}).value_or(false),
                                .ceiling = OptionalInt(*target, "ceiling")};
    state.desired = OptionalInt(*target, "desired").value_or(0);
    state.ready = OptionalInt(*target, "ready").value_or(0);
    if (const json* read = codec::Find(*target, "read")) state.read_at = At(*read);
    seen.target = std::move(state);
    return seen;
  }

  decision::History History(const json& of) const {
    decision::History history;
    history.target_uid = codec::StringOr(of, {"uid"}, "");
    Each(of, "metrics", [&](const json& metric) { history.metrics.push_back(Metric(metric)); });
    Each(of, "recommendations", [&](const json& old) {
      history.recommendations.push_back({Boot(Item(old, 0)), Int(Item(old, 1)), Int(Item(old, 2))});
    });
    Each(of, "changes", [&](const json& change) { history.changes.push_back(Change(change)); });
    history.last_scale_out = OptionalAt(of, "lastOut");
    history.last_scale_in = OptionalAt(of, "lastIn");
    if (const json* applied = codec::Find(of, "lastApplied")) history.last_applied = Change(*applied);
    if (const json* external = codec::Find(of, "lastExternal")) history.last_external = Change(*external);
    history.valid_at = OptionalBoot(of, "valid");
    history.last_pass = OptionalAt(of, "lastPass");
    history.watching_since = OptionalBoot(of, "watching");
    history.observing_since = OptionalBoot(of, "observing");
    history.in_flight_since = OptionalBoot(of, "inFlight");
    if (const json* boot = codec::Find(of, "bootTime")) history.boot_time = Nanoseconds(*boot);
    if (const json* pending = codec::Find(of, "pending")) {
      history.pending = decision::PendingChange{
          .from = Int(Item(*pending, 0)),
          .to = Int(Item(*pending, 1)),
          .cause = Bool(Item(*pending, 2)) ? decision::Cause::kBounds : decision::Cause::kMetrics,
          .time = now_.wall - Nanoseconds(Item(*pending, 3))};
    }
    if (const std::optional<Instant> unknown = OptionalAt(of, "unknown")) {
      history.write_unknown = true;
      history.unknown_at = *unknown;
    }
    history.known_desired = OptionalInt(of, "known");
    history.ceiling = OptionalInt(of, "ceiling");
    history.ceiling_since = OptionalBoot(of, "ceilingSince");
    history.state_lost = codec::FindBool(of, {"lost"}).value_or(false);
    return history;
  }

 private:
  static absl::Duration Nanoseconds(const json& value) { return absl::Nanoseconds(codec::ToInt64(value).value_or(0)); }
  std::optional<BootTime> OptionalBoot(const json& object, const char* key) const {
    const json* ago = codec::Find(object, key);
    return ago == nullptr ? std::nullopt : std::optional(Boot(*ago));
  }
  std::optional<Instant> OptionalAt(const json& object, const char* key) const {
    const json* ago = codec::Find(object, key);
    return ago == nullptr ? std::nullopt : std::optional(At(*ago));
  }
  static std::optional<int> OptionalInt(const json& object, const char* key) {
    const json* value = codec::Find(object, key);
    return value == nullptr ? std::nullopt : std::optional(Int(*value));
  }
  // What it does not know is taken for the first.
  template <typename E>
  static E Enum(const json& object, const char* key, E last) {
    const int value = OptionalInt(object, key).value_or(0);
    return static_cast<E>(value < 0 || value > static_cast<int>(last) ? 0 : value);
  }
  template <typename Take>
  static void Each(const json& object, const char* key, Take take) {
    const json* list = codec::Find(object, key);
    if (list == nullptr || !list->is_array()) return;
    for (size_t i = 0; i < list->size() && i < kMaxItems; ++i) take((*list)[i]);
  }
  Instant now_;
};

// Far enough from 0 that nothing of the past lies before it.
constexpr BootTime kNow{absl::Hours(24 * 365 * 100)};

}  // namespace

std::string EncodeMemory(const decision::Memory& memory) {
  const decision::Situation& situation = memory.situation;
  const Writer writer(situation.now);
  std::string text = codec::Dump({{"at", absl::ToUnixNanos(situation.now.wall)},
                                  {"seen", writer.Write(situation.seen)},
                                  {"history", writer.Write(situation.history)},
                                  {"ceilings",
                                   {{"capacity", memory.ceilings.max_capacity},
                                    {"step", memory.ceilings.max_step},
                                    {"frozen", memory.ceilings.frozen}}}});
  return text.size() <= kMaxText ? text : "";
}

std::shared_ptr<const decision::Memory> DecodeMemory(absl::string_view text) {
  if (text.empty()) return nullptr;
  const absl::StatusOr<json> read = codec::ReadJson(text, {.max_bytes = kMaxText});
  const std::optional<int64_t> at = read.ok() ? codec::FindInt64(*read, {"at"}) : std::nullopt;
  if (!at) return nullptr;
  auto memory = std::make_shared<decision::Memory>();
  memory->situation.now = {absl::FromUnixNanos(*at), kNow};
  const Reader reader(memory->situation.now);
  if (const json* seen = codec::Find(*read, "seen")) memory->situation.seen = reader.Seen(*seen);
  if (const json* history = codec::Find(*read, "history")) memory->situation.history = reader.History(*history);
  policy::Ceilings& ceilings = memory->ceilings;
  ceilings.max_capacity = static_cast<int>(codec::FindInt64(*read, {"ceilings", "capacity"}).value_or(1'000'000));
  ceilings.max_step = static_cast<int>(codec::FindInt64(*read, {"ceilings", "step"}).value_or(1'000'000));
  ceilings.frozen = codec::FindBool(*read, {"ceilings", "frozen"}).value_or(false);
  return memory;
}

}  // namespace ottoscale::manifest
