#include "operator/program.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::operator_main {
namespace {

kube::ReflectorOptions Reflecting(const kubeapi::Resource& resource, telemetry::Logger log) {
  return {.resource = resource,
          .on_failure = [log, plural = resource.plural](const absl::Status& why, absl::Duration pause) {
            log.Warn("watching failed", {{"resource", plural}, {"error", why.message()}, {"retry_in", pause}});
          }};
}

}  // namespace

Program::Program(Parts parts)
    : parts_(std::move(parts)),
      client_(parts_.kube, {.base_url = parts_.kube_url}),
      events_(parts_.loop, client_, {.instance = parts_.instance}),
      metrics_(parts_.registry),
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
  RegisterRuntimeMetrics(parts_.registry);
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
  co_await controller_.Stop(deadline);
  events_.Close();
  co_await delivery_.Join();
  watches_.Cancel();
  co_await watches_.Join();
}

// The generic numbers of a controller, under the names that dashboards know from controller-runtime.
void Program::RegisterRuntimeMetrics(telemetry::Registry& registry) {
  using telemetry::MetricType;
  const telemetry::Labels controller = {{"controller", "scalingpolicy"}};
  const auto with = [&controller](const char* name, const char* value) {
    telemetry::Labels labels = controller;
    labels.push_back({name, value});
    return labels;
  };
  const auto sampled = [&registry](const char* name, const char* help, MetricType type, telemetry::Labels labels,
                                   auto value) {
    registry.AddSampled({name, help, type}, std::move(labels),
                        [value]() -> std::optional<double> { return static_cast<double>(value()); });
  };
  const char* total = "controller_runtime_reconcile_total";
  const char* total_help = "Passes by their result.";
  const kube::ControllerCounters& counters = controller_.counters();
  sampled(total, total_help, MetricType::kCounter, with("result", "success"), [&counters] { return counters.success; });
  sampled(total, total_help, MetricType::kCounter, with("result", "requeue_after"),
          [&counters] { return counters.requeue_after; });
  sampled(total, total_help, MetricType::kCounter, with("result", "error"), [&counters] { return counters.error; });
  sampled("controller_runtime_reconcile_errors_total", "Passes that failed.", MetricType::kCounter, controller,
          [&counters] { return counters.error; });
  sampled("controller_runtime_active_workers", "Passes under way.", MetricType::kGauge, controller,
          [&counters] { return counters.active_workers; });
  sampled("controller_runtime_max_concurrent_reconciles", "Passes that may be under way at once.", MetricType::kGauge,
          controller, [this] { return controller_.workers(); });
  const telemetry::Labels queue = {{"name", "scalingpolicy"}, {"controller", "scalingpolicy"}};
  sampled("workqueue_depth", "Keys that wait for a worker.", MetricType::kGauge, queue,
          [this] { return controller_.queue().depth(); });
  sampled("workqueue_adds_total", "Keys that became ready.", MetricType::kCounter, queue,
          [this] { return controller_.queue().counters().adds; });
  sampled("workqueue_retries_total", "Keys that were tried again after a failure.", MetricType::kCounter, queue,
          [this] { return controller_.queue().counters().retries; });
  registry.AddSeries({"rest_client_requests_total", "Requests to the API server.", MetricType::kCounter},
                     [this](absl::string_view after, telemetry::Samples& samples) -> std::optional<std::string> {
                       if (!after.empty()) return std::nullopt;
                       for (const auto& [request, count] : client_.counters().requests) {
                         samples.Add({{"code", request.code}, {"method", request.method}, {"host", parts_.kube_url}},
                                     static_cast<double>(count));
                       }
                       return "all";
                     });
}

}  // namespace ottoscale::operator_main
