#include "pkg/reconcile/reconciler.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/async/deadline.h"
#include "pkg/async/gather.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/decision/events.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/manifest/manifest.h"
#include "pkg/manifest/status.h"
#include "pkg/reconcile/provider_check.h"
#include "pkg/reconcile/timed_target.h"

// Note [Time in a pass]
// `now` is read once, before anything is asked: decisions, cooldowns and the gate's ledger are all measured from it.
// Samples are measured a little later; their age against `now` is then negative, which is as fresh as can be.
//
// Note [Rivals]
// Two policies that may write to one target must both stop. The claim is made after our own account has read the target
// and before anything is decided; a rival turns the reading into a TargetFailure, so that Decide has nothing to scale
// and every report says why. The gate looks once more in the moment of the write, since a rival may turn up in between.

namespace ottoscale::reconcile {
namespace {

using decision::NotWritten;
using decision::Observation;
using decision::Outcome;
using decision::PolicyStatus;
using decision::Superseded;
using decision::TargetFailure;
using decision::TargetReading;
using decision::TargetState;
using decision::Violation;
using decision::WriteResult;

// Polls are spread by this fraction, so that policies made together do not stay together.
constexpr double kPollJitter = 0.05;
// After a refusal or an unknown end, the next look comes this soon.
constexpr absl::Duration kSoon = absl::Seconds(2);
// How long an API server is spared a field of the status that it did not know.
constexpr absl::Duration kNoMemoryFor = absl::Minutes(10);

bool MayWrite(const policy::ScalingPolicy& spec, absl::Time now) {
  const bool suspended =
      spec.suspend && spec.suspend->scope == policy::Suspend::Scope::kAll && now < spec.suspend->until;
  return spec.mode == policy::Mode::kEnforce && !suspended;
}

std::string NamespaceOf(absl::string_view policy) { return std::string(policy.substr(0, policy.find('/'))); }

}  // namespace

Reconciler::Reconciler(Dependencies dependencies)
    : d_(std::move(dependencies)),
      accounts_(d_.loop, d_.client, d_.accounts, d_.limits.allowed_clouds),
      gate_({.loop = d_.loop,
             .claims = claims_,
             .limits = d_.limits,
             .newest = [this](const std::string& policy) { return Newest(policy); },
             .lease_left = d_.lease_left}) {}

// The gate's own view: the newest object in the cache, decoded only when it is the one that we know.
std::optional<NewestSpec> Reconciler::Newest(const std::string& policy) {
  const size_t slash = policy.find('/');
  const kubeapi::ObjectKey key{policy.substr(0, slash), policy.substr(slash + 1)};
  const auto object = d_.policies.Get(key);
  const auto entry = entries_.find(key);
  if (object == nullptr || object->meta.deletion_time || entry == entries_.end()) return std::nullopt;
  const PolicyEntry& ours = entry->second;
  const bool known =
      object->meta.generation == ours.generation && object->meta.uid == ours.uid && object->spec_hash == ours.spec_hash;
  return NewestSpec{object->meta.generation, known && ours.spec ? &*ours.spec : nullptr};
}

void Reconciler::MakeSources(PolicyEntry& entry) {
  entry.sources.clear();
  for (const policy::Metric& metric : entry.spec->metrics) {
    entry.sources.push_back(FindSource(d_.providers, metric.source.type)->make(metric.source));
  }
}

// What survived a restart: see section 7 of the architecture.
void Reconciler::Restore(PolicyEntry& entry, const nlohmann::json& object) {
  const nlohmann::json* status = codec::Find(object, "status");
  if (status == nullptr || status->empty()) return;
  entry.status = manifest::DecodeStatus(*status);
  entry.reported = entry.status;
  entry.history = decision::RestoreHistory(entry.status, d_.loop.Now());
  if (entry.history.target_uid.empty()) return;
  const auto boot = [](const std::optional<async::Instant>& at) { return at ? std::optional(at->boot) : std::nullopt; };
  gate_.Restore(entry.history.target_uid, boot(entry.history.last_scale_out), boot(entry.history.last_scale_in));
}

Reconciler::Adopted Reconciler::Adopt(PolicyEntry& entry, const kube::Object& object) {
  const bool first_sight = entry.uid != object.meta.uid;
  if (first_sight) {
    entry = PolicyEntry{.key = entry.key, .uid = object.meta.uid};
    Restore(entry, object.Json());
  }
  if (entry.generation == object.meta.generation && entry.spec_hash == object.spec_hash) {
    return entry.spec ? Adopted::kReady : Adopted::kInvalid;
  }
  entry.generation = object.meta.generation;
  entry.spec_hash = object.spec_hash;

  auto decoded = manifest::DecodeScalingPolicy(object.Json(), nullptr, CheckWith(d_.providers));
  if (!decoded.ok()) {
    std::vector<std::string> problems;
    for (const codec::Problem& problem : decoded.problems) problems.push_back(codec::FormatProblem(problem));
    entry.spec.reset();
    entry.target.reset();
    entry.sources.clear();
    entry.status = decision::StatusForProblem(
        entry.generation, {.stalled = true, .reason = "InvalidSpec", .message = absl::StrJoin(problems, "; ")},
        d_.loop.Now(), entry.status);
    return Adopted::kInvalid;
  }
  const bool same_target = entry.spec && entry.spec->target == decoded.value->target;
  // A run of breaches counts against the thresholds that it was measured with.
  if (entry.spec && entry.spec->metrics != decoded.value->metrics) entry.history.metrics.clear();
  entry.spec = std::move(decoded.value);
  entry.spec->ceilings = {d_.limits.max_capacity, d_.limits.max_step, d_.limits.frozen};
  if (!same_target) {
    entry.target.reset();
    claims_.Remove(entry.key.ToString());
  }
  MakeSources(entry);
  // The status says that our account had read this target before the restart: the claim holds from the first turn on,
  // so that no rival writes before we have read it again.
  if (first_sight)
    claims_.Set(entry.key.ToString(), entry.history.target_uid, MayWrite(*entry.spec, d_.loop.Now().wall));
  return Adopted::kReady;
}

// The oldest policies of a namespace are acted on, as many as the administrator allows: a new one never takes the place
// of one that works.
bool Reconciler::IsOneTooMany(const kube::Object& object) const {
  const size_t allowed = d_.limits.max_policies_per_namespace;
  if (allowed == 0) return false;
  const auto age = [](const kube::Object& of) { return std::tie(of.meta.creation_time, of.meta.uid); };
  size_t older = 0;
  for (const kube::ObjectPtr& other : d_.policies.List(object.meta.ns)) {
    if (age(*other) < age(object)) ++older;
  }
  return older >= allowed;
}

async::Task<absl::StatusOr<kube::Requeue>> Reconciler::HoldBack(PolicyEntry& entry) {
  claims_.Remove(entry.key.ToString());
  d_.metrics.Registered(entry.key);
  const decision::StatusProblem problem{
      .reason = "TooManyPolicies",
      .message = absl::StrCat("the administrator allows ", d_.limits.max_policies_per_namespace,
                              " ScalingPolicies in a namespace, and namespace '", entry.key.ns,
                              "' has older ones: delete one of those, or ask for more. Retried by itself.")};
  CO_RETURN_IF_ERROR(
      co_await Report(entry, decision::StatusForProblem(entry.generation, problem, d_.loop.Now(), entry.status)));
  co_return kube::Requeue::After(d_.loop.random().Jitter(absl::Minutes(1), kPollJitter));
}

async::Task<absl::StatusOr<kube::Requeue>> Reconciler::Reconcile(kubeapi::ObjectKey key) {
  const auto object = d_.policies.Get(key);
  if (object == nullptr || object->meta.deletion_time) {
    claims_.Remove(key.ToString());
    d_.metrics.Forget(key);
    entries_.erase(key);
    co_return kube::Requeue::Never();
  }
  PolicyEntry& entry = entries_.try_emplace(key, PolicyEntry{.key = key}).first->second;
  d_.metrics.Registered(key);
  if (Adopt(entry, *object) == Adopted::kInvalid) {
    claims_.Remove(key.ToString());
    const absl::Status reported = co_await Report(entry, entry.status);
    if (!reported.ok()) co_return reported;
    co_return kube::Requeue::Never();  // only an edit can mend it, and an edit wakes us
  }
  if (!entry.admitted && IsOneTooMany(*object)) co_return co_await HoldBack(entry);
  entry.admitted = true;  // only younger ones can come
  if (const auto turn = WaitForFirstTurn(entry)) co_return kube::Requeue::At(*turn);
  const async::Instant started = d_.loop.Now();
  const absl::Duration late = entry.due && *entry.due < started.boot ? started.boot - *entry.due : absl::ZeroDuration();
  const Outcome outcome = co_await Pass(entry, started);
  if ((co_await async::CurrentContext()).cancelled() && std::holds_alternative<NotWritten>(outcome.write)) {
    co_return absl::CancelledError("stopping");
  }
  auto memory = std::make_shared<const decision::Memory>(
      decision::Memory{.situation = {.history = entry.history, .seen = outcome.observation, .now = outcome.now},
                       .ceilings = entry.spec->ceilings});
  entry.history = decision::Remember(*entry.spec, std::move(entry.history), outcome);
  Tell(entry, outcome);
  PolicyStatus status = decision::StatusFor(*entry.spec, entry.generation, entry.history, outcome, &entry.status);
  status.memory = std::move(memory);
  entry.last = outcome;
  d_.metrics.Passed(entry, outcome, d_.loop.Now(), late);
  if (std::holds_alternative<Violation>(outcome.write)) d_.metrics.Violation();
  // A failed report never fails the pass: the next one writes it, since the status still differs from what stands
  // there.
  auto report = async::Shield(d_.loop.Now().boot + d_.api_timeout, Report(entry, status));
  (void)co_await std::move(report);
  co_return NextPass(entry, outcome, started);
}

async::Task<Outcome> Reconciler::Pass(PolicyEntry& entry, async::Instant now) {
  Observation seen = co_await Observe(entry, now.boot);
  if ((co_await async::CurrentContext()).cancelled()) co_return Outcome{.observation = std::move(seen), .now = now};
  // Before the claim, which may replace the reading: whose target it is survives a restart in the status, and with it
  // the claim.
  entry.history = decision::Settle(*entry.spec, std::move(entry.history), seen, now);
  InheritWrites(entry, now);
  Claim(entry, seen, now);
  decision::Decision decision = decision::Decide(*entry.spec, entry.history, seen, now);
  WriteResult written = NotWritten{};
  if (decision.write && entry.violated == entry.generation) {
    written = Violation{"held", "held since the write gate refused a change of this generation"};
  } else if (decision.write) {
    auto write =
        async::Shield(d_.loop.Now().boot + d_.api_timeout + d_.write_timeout, Write(entry, decision, seen, now));
    written = co_await std::move(write);
  }
  if (std::holds_alternative<Violation>(written)) entry.violated = entry.generation;
  co_return Outcome{
      .observation = std::move(seen), .decision = std::move(decision), .write = std::move(written), .now = now};
}

async::Task<std::optional<TargetFailure>> Reconciler::PrepareTarget(PolicyEntry& entry, async::BootTime deadline) {
  const policy::ProviderConfig config = entry.spec->target;
  const ports::TargetProvider& provider = *FindTarget(d_.providers, config.type);
  AccountResult result = co_await accounts_.Resolve(entry.key.ns, config.account, provider.account_type,
                                                    std::exchange(entry.account_refused, false), deadline);
  if (auto* failure = std::get_if<TargetFailure>(&result)) co_return std::move(*failure);
  auto& account = std::get<ports::Account>(result);
  if (d_.on_secret) d_.on_secret(account.credential);
  if (entry.target == nullptr || entry.account != account) {
    entry.target = provider.make(config, account);
    entry.account = std::move(account);
  }
  co_return std::nullopt;
}

async::Task<TargetReading> Reconciler::ReadTarget(PolicyEntry& entry, async::BootTime deadline) {
  if (std::optional<TargetFailure> failure = co_await PrepareTarget(entry, deadline)) co_return *failure;
  TargetReading reading = co_await entry.target->Read(deadline);
  if (const auto* failure = std::get_if<TargetFailure>(&reading)) {
    entry.account_refused = failure->fault == decision::TargetFault::kCredentialsInvalid;
  }
  co_return reading;
}

async::Task<Observation> Reconciler::Observe(PolicyEntry& entry, async::BootTime start) {
  std::vector<async::Task<decision::Sample>> reads;
  for (const auto& source : entry.sources) reads.push_back(source->Read(start + d_.sample_timeout));
  auto both = async::Both(ReadTarget(entry, start + d_.target_timeout), async::All(std::move(reads)));
  auto [target, samples] = co_await std::move(both);
  const async::BootTime now = d_.loop.Now().boot;
  for (size_t i = 0; i < samples.size(); ++i) probe_health_.Report(entry.spec->metrics[i].source, samples[i], now);
  co_return Observation{
      .target = std::move(target), .samples = std::move(samples), .probes_suspect = probe_health_.Suspect(now)};
}

// A policy that was deleted and made anew, or that comes back to a target, finds the cooldowns of that target running:
// they are the target's, and the gate's ledger knows them.
void Reconciler::InheritWrites(PolicyEntry& entry, async::Instant now) {
  const WriteGate::Writes writes = gate_.WritesTo(entry.history.target_uid);
  const auto inherit = [now](const std::optional<async::BootTime>& from, std::optional<async::Instant>& to) {
    if (from && (!to || to->boot < *from)) to = async::Instant{now.wall - (now.boot - *from), *from};
  };
  inherit(writes.last_out, entry.history.last_scale_out);
  inherit(writes.last_in, entry.history.last_scale_in);
}

// See Note [Rivals].
void Reconciler::Claim(PolicyEntry& entry, Observation& seen, async::Instant now) {
  const std::string policy = entry.key.ToString();
  const bool may_write = MayWrite(*entry.spec, now.wall);
  if (!may_write) claims_.Remove(policy);
  const TargetState* state = seen.state();
  if (state == nullptr) return;
  gate_.Observed(state->uid, state->desired);
  claims_.Set(policy, state->uid, may_write);
  const std::optional<std::string> rival = claims_.Rival(policy, state->uid);
  if (!may_write || !rival) return;
  const std::string who = NamespaceOf(*rival) == entry.key.ns
                              ? absl::StrCat("ScalingPolicy '", rival->substr(entry.key.ns.size() + 1), "'")
                              : std::string("a policy in another namespace");
  seen.target = TargetFailure{.fault = decision::TargetFault::kConfigInvalid,
                              .reason = "AmbiguousTarget",
                              .message = absl::StrCat(state->display, " is the target of ", who,
                                                      " too: both hold. Delete one, or set its `mode` to Recommend.")};
}

async::Task<WriteResult> Reconciler::Write(PolicyEntry& entry, decision::Decision decision, Observation seen,
                                           async::Instant now) {
  PolicyStatus intent = entry.status;
  intent.pending_change =
      decision::PendingChange{.from = decision.from, .to = decision.to, .cause = decision.cause, .time = now.wall};
  if (absl::Status recorded = co_await Report(entry, std::move(intent), Urgency::kIntent); !recorded.ok()) {
    co_return Superseded{absl::StrCat("the intent could not be recorded: ", absl::string_view(recorded.message()))};
  }
  ProposedChange change{.policy = entry.key.ToString(),
                        .generation = entry.generation,
                        .target_uid = seen.state()->uid,
                        .from = decision.from,
                        .to = decision.to,
                        .cause = decision.cause,
                        .decided_at = now,
                        .samples = std::move(seen.samples)};
  TimedTarget target(d_.loop, *entry.target);
  WriteResult result = co_await gate_.Apply(std::move(change), target, d_.loop.Now().boot + d_.write_timeout);
  if (target.sent()) d_.metrics.Wrote(entry, {*target.sent(), target.took(), decision.to > decision.from, result});
  co_return result;
}

async::Task<absl::StatusOr<async::Permit>> Reconciler::TurnToReport() { co_return co_await report_turns_.Acquire(); }

// CRDs that are older than this operator do not know status.memory, and the API server then refuses the whole status:
// an upgrade in the wrong order must not stop the scaling, so only the memory is missing.
async::Task<absl::Status> Reconciler::ApplyStatus(const PolicyEntry& entry, PolicyStatus& status,
                                                  async::BootTime deadline) {
  const async::BootTime now = d_.loop.Now().boot;
  if (now < no_memory_until_) status.memory.reset();
  absl::Status written =
      co_await d_.client.ApplyStatus(kubeapi::ScalingPolicies(), entry.key, manifest::EncodeStatus(status), deadline);
  if (status.memory == nullptr || !absl::StrContains(written.message(), ".status.memory: field not declared")) {
    co_return written;
  }
  d_.log.Warn(
      "the CRDs in the cluster are older than this operator: apply its CRDs. Until then `ottoscale explain` cannot say "
      "what would change a decision.",
      {{"error", written.message()}});
  no_memory_until_ = now + kNoMemoryFor;
  status.memory.reset();
  co_return co_await d_.client.ApplyStatus(kubeapi::ScalingPolicies(), entry.key, manifest::EncodeStatus(status),
                                           deadline);
}

async::Task<absl::Status> Reconciler::Report(PolicyEntry& entry, PolicyStatus status, Urgency urgency) {
  const async::BootTime now = d_.loop.Now().boot;
  const auto object = d_.policies.Get(entry.key);
  if (object == nullptr) co_return absl::NotFoundError("the policy was deleted");
  if (!entry.report_unknown && !decision::WorthWriting(entry.reported, status, now - entry.status_written)) {
    entry.status = std::move(status);
    co_return absl::OkStatus();
  }
  // Whoever leads by then has written a newer one.
  const absl::Duration lease_left = d_.lease_left();
  if (lease_left <= absl::ZeroDuration()) co_return absl::CancelledError("the lease is lost");
  const async::BootTime deadline = now + std::min(d_.api_timeout, lease_left);
  std::optional<async::Permit> turn;
  if (urgency == Urgency::kOrdinary) {
    auto next = co_await async::WithDeadline(deadline, TurnToReport());
    if (!next.ok()) {
      d_.log.Warn("status not written", {{"policy", entry.key.ToString()}, {"error", "too many others wait"}});
      entry.status = std::move(status);
      co_return next.status();
    }
    turn.emplace(*std::move(next));
  }
  const absl::Status written = co_await ApplyStatus(entry, status, deadline);
  entry.status = status;
  entry.report_unknown = !written.ok();
  if (written.ok()) {
    entry.reported = std::move(status);
    entry.reported.memory.reset();
    entry.status_written = now;
  } else if (!kubeapi::Is(written, kubeapi::ErrorReason::kNotFound)) {
    d_.log.Warn("status not written", {{"policy", entry.key.ToString()}, {"error", written.message()}});
  }
  co_return written;
}

// The log line and the events: of changes only.
void Reconciler::Tell(const PolicyEntry& entry, const Outcome& outcome) {
  for (const decision::Event& event :
       decision::EventsFor(entry.last ? &*entry.last : nullptr, entry.history, outcome)) {
    const auto fields = {telemetry::Field{"policy", entry.key.ToString()}, telemetry::Field{"reason", event.reason}};
    if (event.warning) {
      d_.log.Warn(event.note, fields);
    } else {
      d_.log.Info(event.note, fields);
    }
    d_.events.Record(kubeapi::ScalingPolicies(), entry.key, entry.uid, event.warning, event.reason, event.action,
                     event.note);
  }
}

std::optional<async::BootTime> Reconciler::WaitForFirstTurn(PolicyEntry& entry) {
  if (entry.last) return std::nullopt;
  const async::BootTime now = d_.loop.Now().boot;
  if (!entry.first_turn) {
    entry.first_turn = std::max(now, next_first_turn_);
    next_first_turn_ = *entry.first_turn + d_.first_pass_spacing;
  }
  if (*entry.first_turn <= now) return std::nullopt;
  return entry.first_turn;
}

// Fixed rate: the next poll is measured from the due time of this one, so that lateness does not add up. Not where this
// pass came early (an edit), or so late that two polls would crowd together.
kube::Requeue Reconciler::NextPass(PolicyEntry& entry, const Outcome& outcome, async::Instant started) {
  const absl::Duration period = d_.loop.random().Jitter(entry.spec->poll_period, kPollJitter);
  const bool on_time = entry.due && *entry.due <= started.boot && started.boot - *entry.due < period / 2;
  async::BootTime next = (on_time ? *entry.due : started.boot) + period;
  if (outcome.decision.next) next = std::min(next, *outcome.decision.next);
  if (const auto change = policy::NextChangeAfter(entry.spec->schedule, started.wall)) {
    next = std::min(next, started.boot + (*change - started.wall));
  }
  const bool look_again =
      std::holds_alternative<decision::Unknown>(outcome.write) || std::holds_alternative<Superseded>(outcome.write);
  // Once: where looking again did not help, the ordinary pace is soon enough.
  if (look_again && !entry.hurried) next = std::min(next, started.boot + kSoon);
  entry.hurried = look_again;
  if (const TargetFailure* failure = outcome.observation.failure(); failure != nullptr && failure->retry_at) {
    next = std::max(next, *failure->retry_at);
  }
  if (const auto* refused = std::get_if<decision::Refused>(&outcome.write); refused != nullptr && refused->retry_at) {
    next = std::max(next, *refused->retry_at);
  }
  entry.due = std::max(next, d_.loop.Now().boot);
  return kube::Requeue::At(*entry.due);
}

}  // namespace ottoscale::reconcile
