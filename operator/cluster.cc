#include "operator/cluster.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "operator/runtime_metrics.h"
#include "pkg/async/context.h"
#include "pkg/async/deadline.h"
#include "pkg/async/gather.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"

namespace ottoscale::operator_main {
namespace {

// A server that does not answer at the start may be starting itself; a wrong address is wrong for ever.
constexpr absl::Duration kReachTimeout = absl::Seconds(30);
constexpr absl::Duration kReachPause = absl::Seconds(2);
constexpr absl::Duration kAskTimeout = absl::Seconds(10);
// After the lease is lost nothing may be written any more: there is nothing to wait for.
constexpr absl::Duration kLostTimeout = absl::Seconds(2);

}  // namespace

Cluster::Cluster(std::unique_ptr<Host> host, OperatorOptions options, kube::ClusterConfig config)
    : host_(std::move(host)),
      options_(std::move(options)),
      config_(std::move(config)),
      log_(host_->log().Named("operator")),
      over_(host_->loop()),
      holding_(host_->loop()) {}

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Make(std::unique_ptr<Host> host, OperatorOptions options,
                                                       kube::ClusterConfig config, const Version& version,
                                                       std::string identity) {
  std::unique_ptr<Cluster> self(new Cluster(std::move(host), std::move(options), std::move(config)));
  Host& up = *self->host_;
  const std::string agent = kube::UserAgent(version.version, version.revision);
  const telemetry::Logger log = up.log().Named("kube");
  self->transport_ = kube::MakeClusterTransport(up.loop(), up.pool(), self->config_,
                                                {.user_agent = agent,
                                                 .on_secret = up.on_secret(),
                                                 .on_trouble = [log](absl::string_view text) { log.Warn(text); },
                                                 .on_rotation = [log](absl::string_view text) { log.Info(text); }});
  if (self->options_.leader_elect) self->MakeElector(version, identity);
  std::vector<std::string> namespaces = self->options_.watch_namespaces;
  if (namespaces.empty()) namespaces = {""};
  self->program_ = std::make_unique<Program>(
      Program::Parts{.loop = up.loop(),
                     .kube = *self->transport_,
                     .kube_url = self->config_.server,
                     .providers = up.providers(),
                     .log = up.log(),
                     .registry = up.registry(),
                     .limits = up.limits(),
                     .namespaces = std::move(namespaces),
                     .lease_left = [cluster = self.get()] { return cluster->LeaseLeft(); },
                     .explain =
                         [cluster = self.get()](const absl::Status& status) {
                           return kube::Explain(cluster->config_, status, cluster->host_->loop().Now().wall);
                         },
                     .user_agent = agent,
                     .instance = std::move(identity),
                     .workers = static_cast<size_t>(self->options_.workers),
                     .on_secret = up.on_secret()});
  RETURN_IF_ERROR(up.ServeStatus([program = self->program_.get()] { return program->NotReady(); }));
  return self;
}

void Cluster::MakeElector(const Version& version, std::string identity) {
  const kube::LeaderElectionOptions election{
      .ns = options_.leader_election_namespace.empty() ? config_.ns : options_.leader_election_namespace,
      .name = options_.leader_election_name,
      .identity = std::move(identity),
      .lease_duration = options_.lease_duration,
      .renew_deadline = options_.renew_deadline,
      .retry_period = options_.retry_period};
  leader_client_ = std::make_unique<kube::Client>(
      *transport_,
      kube::LeaderClientOptions({.base_url = config_.server,
                                 .user_agent = kube::UserAgent(version.version, version.revision, "leader-election")},
                                election));
  const auto failed = [this](const absl::Status& why) {
    log_.Warn("the lease was not had", {{"error", kube::Explain(config_, why, host_->loop().Now().wall).message()}});
  };
  elector_ = std::make_unique<kube::LeaderElector>(
      host_->loop(), *leader_client_, election,
      kube::LeaderElectionHooks{.on_holder =
                                    [this](const std::string& holder) {
                                      log_.Info("lease", {{"holder", holder.empty() ? "nobody" : holder}});
                                    },
                                .on_failure = failed});
  AddLeaderMetrics(
      host_->registry(), election.name, [this] { return elector_->leading(); },
      [this] { return elector_->slow_paths(); });
}

absl::Duration Cluster::LeaseLeft() const {
  return elector_ == nullptr ? absl::InfiniteDuration() : elector_->LeaseLeft();
}

async::Task<absl::Status> Cluster::Reach() {
  async::AsioLoop& loop = host_->loop();
  const async::BootTime end = loop.Now().boot + kReachTimeout;
  for (;;) {
    const absl::StatusOr<std::string> server =
        co_await kube::CheckCluster(*transport_, config_, loop.Now().boot + kAskTimeout);
    if (server.ok()) {
      log_.Info("connected", {{"server", config_.server}, {"version", *server}, {"as", config_.user}});
      co_return absl::OkStatus();
    }
    // A certificate that is not trusted now will not be trusted in ten seconds.
    const bool may_heal =
        absl::IsUnavailable(server.status()) && http::FailureOf(server.status()).kind != http::Failure::kTls;
    if (!may_heal || loop.Now().boot + kReachPause > end) co_return server.status();
    log_.Warn("the API server was not reached", {{"error", server.status().message()}, {"retry_in", kReachPause}});
    CO_RETURN_IF_ERROR(co_await async::Sleep(kReachPause));
  }
}

async::Task<void> Cluster::Hold() {
  if (absl::Status lost = co_await elector_->Hold(); !absl::IsCancelled(lost)) over_.Set(std::move(lost));
}

async::Task<absl::Status> Cluster::LeaseLost() { co_return co_await over_.GetFuture(); }

async::Task<absl::Status> Cluster::LeadAlways() {
  CO_RETURN_IF_ERROR(co_await program_->Lead());
  co_return co_await async::Sleep(absl::InfiniteDuration());
}

async::Task<absl::Status> Cluster::Lead() {
  if (elector_ != nullptr) {
    CO_RETURN_IF_ERROR(co_await elector_->Acquire());
    log_.Info("leading", {{"identity", elector_->identity()}});
    holding_.Spawn(Hold());
  }
  std::vector<async::Task<absl::Status>> both;
  both.push_back(LeadAlways());
  both.push_back(LeaseLost());
  co_return (co_await async::FirstOf(std::move(both))).value;
}

// Passes first, then the lease: whoever comes next finds everything written.
async::Task<void> Cluster::Stop(absl::Duration timeout) {
  async::AsioLoop& loop = host_->loop();
  const async::BootTime deadline = loop.Now().boot + timeout;
  co_await program_->Stop(deadline);
  holding_.Cancel();
  co_await holding_.Join();
  if (elector_ != nullptr) co_await elector_->Release(deadline);
  co_await host_->Stop(deadline);
}

async::Task<absl::Status> Cluster::Run() {
  for (const std::string& note : config_.notes) log_.Warn(note);
  if (options_.common.freeze) log_.Warn("frozen: every policy decides and reports, nothing is written");
  absl::Status end = co_await Reach();
  if (end.ok()) {
    program_->Start();
    end = co_await Lead();
  }
  const bool stopped = (co_await async::CurrentContext()).cancelled();
  if (stopped) {
    log_.Info("stopping");
  } else {
    log_.Error("stopping", {{"error", end.message()}});
  }
  auto stop =
      async::Shield(async::BootTime::Infinite(), Stop(absl::IsAborted(end) ? kLostTimeout : options_.shutdown_timeout));
  co_await std::move(stop);
  co_return stopped ? absl::OkStatus() : end;
}

}  // namespace ottoscale::operator_main
