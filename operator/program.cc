#include "operator/program.h"

#include <algorithm>
#include <utility>

#include "operator/runtime_metrics.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::operator_main {
namespace {

// A reading that has not come by then would hold up the exit; whoever comes next reads again.
constexpr absl::Duration kReadsMayTake = absl::Seconds(1);

kube::ReflectorOptions Reflecting(const kubeapi::Resource& resource, telemetry::Logger log) {
  return {.resource = resource,
          .on_failure = [log, plural = resource.plural](const absl::Status& why, absl::Duration pause) {
            log.Warn("watching failed", {{"resource", plural}, {"error", why.message()}, {"retry_in", pause}});
          }};
}

}  // namespace

Program::Program(Parts parts)
    : parts_(std::move(parts)),
      counted_kube_(parts_.loop, parts_.kube, RequestDurations(parts_.registry, HostOf(parts_.kube_url))),
      client_(counted_kube_, {.base_url = parts_.kube_url}),
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
                   .on_secret = parts_.on_secret}),
      controller_(parts_.loop,
                  {.workers = parts_.workers,
                   .on_error =
                       [log = parts_.log.Named("controller")](const kubeapi::ObjectKey& key, const absl::Status& error,
                                                              absl::Duration retry_in) {
                         log.Warn("pass failed",
                                  {{"policy", key.ToString()}, {"error", error.message()}, {"retry_in", retry_in}});
                       }},
                  [this](kubeapi::ObjectKey key) { return reconciler_.Reconcile(std::move(key)); }),
      policy_reflector_(parts_.loop, client_, policies_,
                        Reflecting(kubeapi::ScalingPolicies(), parts_.log.Named("watch"))),
      account_reflector_(parts_.loop, client_, accounts_,
                         Reflecting(kubeapi::CloudAccounts(), parts_.log.Named("watch"))),
      watches_(parts_.loop),
      delivery_(parts_.loop) {
  metrics_.Watch(reconciler_.entries());
  AddControllerMetrics(parts_.registry, "scalingpolicy", controller_);
  AddClientMetrics(parts_.registry, HostOf(parts_.kube_url), client_);
  policies_.OnChange([this](const kubeapi::ObjectKey& key) { PolicyChanged(key); });
  accounts_.OnChange([this](const kubeapi::ObjectKey& key) { AccountChanged(key); });
}

void Program::Start() {
  watches_.Spawn(policy_reflector_.Run());
  watches_.Spawn(account_reflector_.Run());
  delivery_.Spawn(events_.Run());
  // Passes begin before the first list is there: each policy that arrives is complete in itself, and an account that
  // arrives after it wakes it again.
  controller_.Start();
}

void Program::PolicyChanged(const kubeapi::ObjectKey& key) {
  if (stopping_) return;
  const kube::ObjectPtr object = policies_.Get(key);
  if (object == nullptr) {
    seen_.erase(key);
    controller_.Enqueue(key);
    return;
  }
  const Seen now{object->meta.uid, object->meta.generation, object->meta.deletion_time.has_value()};
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
  if (!policies_.has_synced()) return "the list of ScalingPolicies";
  if (!accounts_.has_synced()) return "the list of CloudAccounts";
  return "";
}

async::Task<void> Program::Stop(async::BootTime deadline) {
  stopping_ = true;
  co_await controller_.Stop(std::min(deadline, parts_.loop.Now().boot + kReadsMayTake));
  events_.Close();
  co_await delivery_.Join();
  watches_.Cancel();
  co_await watches_.Join();
}

}  // namespace ottoscale::operator_main
