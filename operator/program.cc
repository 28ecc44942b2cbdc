#include "operator/program.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "operator/runtime_metrics.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::operator_main {
namespace {

// A reading that has not come by then would hold up the exit; whoever comes next reads again.
constexpr absl::Duration kReadsMayTake = absl::Seconds(1);

// Between two tries to read the policies before leading.
constexpr absl::Duration kReadAgain = absl::Seconds(1);

// Of policies that are met at once: 200 a second. Each of these passes writes a status, which costs an API server more
// than it costs us.
constexpr absl::Duration kFirstPassSpacing = absl::Milliseconds(5);

}  // namespace

Program::Program(Parts parts)
    : parts_(std::move(parts)),
      counted_kube_(parts_.loop, parts_.kube, RequestDurations(parts_.registry, HostOf(parts_.kube_url))),
      client_(counted_kube_,
              {.base_url = parts_.kube_url,
               .user_agent = parts_.user_agent,
               .on_warning = [log = parts_.log.Named("kube")](
                                 absl::string_view text) { log.Warn("the API server warns", {{"text", text}}); }}),
      policies_(parts_.namespaces),
      accounts_(parts_.namespaces),
      events_(parts_.loop, client_, {.instance = parts_.instance}),
      metrics_(parts_.registry, parts_.providers),
      reconciler_({.loop = parts_.loop,
                   .client = client_,
                   .policies = policies_,
                   .accounts = accounts_,
                   .providers = parts_.providers,
                   .events = events_,
                   .log = parts_.log.Named("reconcile"),
                   .metrics = metrics_,
                   .limits = parts_.limits,
                   .lease_left = parts_.lease_left,
                   .on_secret = parts_.on_secret,
                   .first_pass_spacing = kFirstPassSpacing}),
      controller_(parts_.loop,
                  {.workers = parts_.workers,
                   .on_error =
                       [this, log = parts_.log.Named("controller")](
                           const kubeapi::ObjectKey& key, const absl::Status& error, absl::Duration retry_in) {
                         log.Warn("pass failed", {{"policy", key.ToString()},
                                                  {"error", parts_.explain(error).message()},
                                                  {"retry_in", retry_in}});
                       }},
                  [this](kubeapi::ObjectKey key) { return reconciler_.Reconcile(std::move(key)); }),
      watches_(parts_.loop),
      delivery_(parts_.loop) {
  metrics_.Watch(reconciler_.entries());
  metrics_.SetFrozen(parts_.limits.frozen);
  AddControllerMetrics(parts_.registry, "scalingpolicy", controller_);
  AddClientMetrics(parts_.registry, HostOf(parts_.kube_url), client_);
  policies_.OnChange([this](const kubeapi::ObjectKey& key) { PolicyChanged(key); });
  accounts_.OnChange([this](const kubeapi::ObjectKey& key) { AccountChanged(key); });
}

void Program::Watch(const kubeapi::Resource& resource, kube::Cache& cache) {
  for (const std::string& ns : parts_.namespaces) {
    kube::ReflectorOptions options{
        .resource = resource, .ns = ns, .on_failure = [this, resource](const absl::Status& why, absl::Duration pause) {
          WatchFailed(resource, why, pause);
        }};
    reflectors_.push_back(std::make_unique<kube::Reflector>(parts_.loop, client_, cache, std::move(options)));
    watches_.Spawn(reflectors_.back()->Run());
  }
}

void Program::WatchFailed(const kubeapi::Resource& resource, const absl::Status& why, absl::Duration pause) {
  const absl::Status explained = parts_.explain(why);
  trouble_[resource.plural] = std::string(explained.message());
  parts_.log.Named("watch").Warn("watching failed",
                                 {{"resource", resource.plural}, {"error", explained.message()}, {"retry_in", pause}});
}

void Program::Start() {
  Watch(kubeapi::ScalingPolicies(), policies_);
  Watch(kubeapi::CloudAccounts(), accounts_);
  delivery_.Spawn(events_.Run());
}

// Passes begin before the first list is there: each policy that arrives is complete in itself, and an account that
// arrives after it wakes it again.
void Program::StartAlone() {
  Start();
  leads_ = true;
  controller_.Start();
}

async::Task<absl::Status> Program::ReadPoliciesAnew(std::string ns) {
  for (;;) {
    auto list = co_await client_.List(kubeapi::ScalingPolicies(), {.ns = ns}, async::BootTime::Infinite());
    if (list.ok()) {
      policies_.Replace(std::move(list->items), ns);
      co_return absl::OkStatus();
    }
    WatchFailed(kubeapi::ScalingPolicies(), list.status(), kReadAgain);
    CO_RETURN_IF_ERROR(co_await async::Sleep(kReadAgain));
  }
}

async::Task<absl::Status> Program::Lead() {
  for (const std::string& ns : parts_.namespaces) CO_RETURN_IF_ERROR(co_await ReadPoliciesAnew(ns));
  leads_ = true;
  controller_.Start();
  co_return absl::OkStatus();
}

void Program::PolicyChanged(const kubeapi::ObjectKey& key) {
  if (stopping_) return;
  const kube::ObjectPtr object = policies_.Get(key);
  if (object == nullptr) {
    seen_.erase(key);
    controller_.Enqueue(key);
    return;
  }
  const Seen now{object->meta.uid, object->meta.generation, object->spec_hash, object->meta.deletion_time.has_value()};
  if (std::exchange(seen_[key], now) != now) controller_.Enqueue(key);
}

void Program::AccountChanged(const kubeapi::ObjectKey& key) {
  if (stopping_) return;
  for (const auto& [policy, entry] : reconciler_.entries()) {
    if (policy.ns == key.ns && entry.spec && entry.spec->target.account == key.name) controller_.Enqueue(policy);
  }
}

std::string Program::NotReady() const {
  if (stopping_) return "stopping";
  const auto missing = [this](const char* what, const kubeapi::Resource& resource) {
    const auto why = trouble_.find(resource.plural);
    return why == trouble_.end() ? std::string(what) : absl::StrCat(what, ": ", why->second);
  };
  if (!policies_.has_synced()) return missing("the list of ScalingPolicies", kubeapi::ScalingPolicies());
  if (!accounts_.has_synced()) return missing("the list of CloudAccounts", kubeapi::CloudAccounts());
  return "";
}

async::Task<void> Program::Stop(async::BootTime deadline) {
  stopping_ = true;
  co_await controller_.Stop(std::min(deadline, parts_.loop.Now().boot + kReadsMayTake));
  events_.Close();
  const async::TimerId end = parts_.loop.RunAt(deadline, [this] { delivery_.Cancel(); });
  co_await delivery_.Join();
  parts_.loop.CancelTimer(end);
  watches_.Cancel();
  co_await watches_.Join();
}

}  // namespace ottoscale::operator_main
