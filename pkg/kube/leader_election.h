// One process among several leads: by a coordination.k8s.io/v1 Lease, with the algorithm of client-go (the machine in
// leader_machine.h says which). The lease is not a fence: a process that was stopped for a while goes on where it was.
// So whoever writes elsewhere asks LeaseLeft() in the moment of the write and lets no write live longer than that.
//
//   LeaderElector elector(loop, client, options, hooks);
//   co_await elector.Acquire();  ... start what only a leader does ...
//   co_await elector.Hold();     an error: end the process, at once
//   ... stop it all; Hold() goes on meanwhile, then is cancelled ...
//   co_await elector.Release(deadline);
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "pkg/async/loop.h"
#include "pkg/async/task.h"
#include "pkg/kube/client.h"
#include "pkg/kube/leader_machine.h"

namespace ottoscale::kube {

// Both may be null. For the log: they change nothing.
struct LeaderElectionHooks {
  std::function<void(const std::string& holder)> on_holder;  // another holder was seen, or none: ""
  std::function<void(const absl::Status& why)> on_failure;   // a request failed; it is tried again
};

// The options of a client of its own for the elector, so that nothing else can keep a renewal waiting: its own user
// agent, and requests of at most half the renew deadline.
ClientOptions LeaderClientOptions(ClientOptions base, const LeaderElectionOptions& options);

class LeaderElector {
 public:
  // `loop` and `client` outlive the elector, which outlives its tasks. One task at a time. CHECK fails when `options`
  // are not valid.
  LeaderElector(async::Loop& loop, const Client& client, LeaderElectionOptions options, LeaderElectionHooks hooks = {});
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;

  // OK once we lead, or why it was cancelled.
  async::Task<absl::Status> Acquire();
  // Renews until the lease is lost (Aborted: never to be acquired again by this process) or the task is cancelled.
  // Only after Acquire().
  async::Task<absl::Status> Hold();
  // Gives the lease away, so that another takes it within a pause. From its first moment on LeaseLeft() is 0. Goes on
  // when it is cancelled, tries again until `deadline`. Without effect when we hold nothing.
  async::Task<void> Release(async::BootTime deadline);

  bool leading() const { return LeaseLeft() > absl::ZeroDuration(); }
  // Until writes must stop: the renew deadline, counted from the *start* of the last renewal that succeeded, so a slow
  // answer never lengthens it. 0 when we do not lead.
  absl::Duration LeaseLeft() const;
  // As last seen; "" for nobody.
  const std::string& holder() const { return machine_.holder(); }
  const std::string& identity() const { return options_.identity; }
  int64_t transitions() const { return machine_.transitions(); }
  uint64_t slow_paths() const { return machine_.slow_paths(); }  // leader_election_slowpath_total

 private:
  async::Task<LeaderAction> RunToEnd(LeaderAction action);
  async::Task<LeaderInput> Perform(LeaderAction action);
  async::Task<LeaderInput> Read();
  async::Task<LeaderInput> Write(LeaderAction action);
  async::Task<void> ReleaseNow();
  async::BootTime RequestDeadline() const;
  LeaderAction Feed(LeaderInput input);

  async::Loop& loop_;
  const Client& client_;
  const LeaderElectionOptions options_;
  const LeaderElectionHooks hooks_;
  LeaderMachine machine_;
};

}  // namespace ottoscale::kube
