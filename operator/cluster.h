// The operator against a Kubernetes API server. It watches from the start, so that a standby is warm, and leads while
// it holds the lease:
//
//   reach the server -> watch -> acquire the lease -> read anew, passes begin -> ... -> stop passes -> release the
//   lease
//
// A lost lease ends the process: what it knows is somebody else's to change from then on.
#pragma once

#include <memory>
#include <string>

#include "operator/command_line.h"
#include "operator/host.h"
#include "operator/program.h"
#include "pkg/async/promise.h"
#include "pkg/async/scope.h"
#include "pkg/kube/client.h"
#include "pkg/kube/cluster.h"
#include "pkg/kube/config.h"
#include "pkg/kube/leader_election.h"

namespace ottoscale::operator_main {

class Cluster {
 public:
  // Opens the metrics port; asks nothing yet. `identity` is this process's among those that run.
  static absl::StatusOr<std::unique_ptr<Cluster>> Make(std::unique_ptr<Host> host, OperatorOptions options,
                                                       kube::ClusterConfig config, const Version& version,
                                                       std::string identity);
  // Until it is cancelled (OK), or why it cannot go on: Unavailable and Unauthenticated when the server was not reached
  // at the start, Aborted when the lease was lost.
  async::Task<absl::Status> Run();

  Host& host() { return *host_; }

 private:
  Cluster(std::unique_ptr<Host> host, OperatorOptions options, kube::ClusterConfig config);
  void MakeElector(const Version& version, std::string identity);
  async::Task<absl::Status> Reach();
  async::Task<absl::Status> Lead();
  async::Task<void> Hold();
  async::Task<absl::Status> LeaseLost();
  async::Task<absl::Status> LeadAlways();
  async::Task<void> Stop(absl::Duration timeout);
  absl::Duration LeaseLeft() const;

  std::unique_ptr<Host> host_;
  const OperatorOptions options_;
  const kube::ClusterConfig config_;
  telemetry::Logger log_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<kube::Client> leader_client_;
  std::unique_ptr<kube::LeaderElector> elector_;  // null without election
  std::unique_ptr<Program> program_;
  async::Promise<void> over_;  // an error: the lease was lost
  async::Scope holding_;       // renews, also while we stop
};

}  // namespace ottoscale::operator_main
