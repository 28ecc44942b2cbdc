// The whole operator, put together: two reflectors, the controller, the reconciler, the event recorder. What differs
// between the ways of running it (a cluster, one machine, the demo, a simulated world) is what is plugged in here, and
// nothing else.
//
//   Program program({...});
//   program.Start();                     watches, so that a standby is warm
//   co_await program.Lead();             passes; the only program that does
//   ... co_await program.Stop(deadline) ...
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/async/scope.h"
#include "pkg/http/counting.h"
#include "pkg/http/http.h"
#include "pkg/kube/cache.h"
#include "pkg/kube/client.h"
#include "pkg/kube/controller.h"
#include "pkg/kube/events.h"
#include "pkg/kube/reflector.h"
#include "pkg/ports/ports.h"
#include "pkg/reconcile/metrics.h"
#include "pkg/reconcile/reconciler.h"
#include "pkg/telemetry/log.h"
#include "pkg/telemetry/metrics.h"

namespace ottoscale::operator_main {

class Program {
 public:
  struct Parts {
    async::Loop& loop;
    http::Transport& kube;  // to the API server
    std::string kube_url;   // "http://127.0.0.1:8480"
    const ports::Providers& providers;
    telemetry::Log& log;
    telemetry::Registry& registry;  // one program registers its metrics in it
    reconcile::AdminLimits limits;
    std::vector<std::string> namespaces = {""};  // {""}: all
    // Until writes must stop; infinite where nobody else could lead.
    std::function<absl::Duration()> lease_left = [] { return absl::InfiniteDuration(); };
    // An error of the API server in words that say what to do.
    std::function<absl::Status(const absl::Status&)> explain = [](const absl::Status& status) { return status; };
    std::string user_agent = "ottoscale";
    std::string instance = "ottoscale";
    // Passes at once. Nearly all of a pass is waiting, for as long as a heartbeat's timeout: policies that hang hold up
    // the others when there are more of them than this.
    size_t workers = 256;
    std::function<void(const Secret&)> on_secret;  // told each credential before it is used; may be null
  };
  explicit Program(Parts parts);
  ~Program() = default;  // only after Stop() has returned, or before Start()

  void Start();
  // Reads all policies anew, so that nothing that the leader before us has written is missed, and lets passes begin. An
  // error when it was cancelled before that.
  async::Task<absl::Status> Lead();
  // Both at once, where nobody has led before and what stands in the API server is all ours.
  void StartAlone();
  // No new passes. Those under way have a second to finish; then what only reads is cancelled, or at `deadline`, while
  // writes and their reports end, by their own deadlines. Then the events go out, until `deadline`; then the watches
  // end.
  async::Task<void> Stop(async::BootTime deadline);

  // What it still waits for; "" when it is ready.
  std::string NotReady() const;
  bool leads() const { return leads_; }
  const reconcile::Reconciler& reconciler() const { return reconciler_; }
  const kube::Client& client() const { return client_; }
  reconcile::Metrics& metrics() { return metrics_; }

 private:
  struct Seen {
    std::string uid;
    int64_t generation = 0;
    size_t spec_hash = 0;
    bool deleting = false;
    bool operator==(const Seen&) const = default;
  };
  void Watch(const kubeapi::Resource& resource, kube::Cache& cache);
  void WatchFailed(const kubeapi::Resource& resource, const absl::Status& why, absl::Duration pause);
  async::Task<absl::Status> ReadPoliciesAnew(std::string ns);
  void PolicyChanged(const kubeapi::ObjectKey& key);
  void AccountChanged(const kubeapi::ObjectKey& key);

  Parts parts_;
  http::CountingTransport counted_kube_;
  kube::Client client_;
  kube::Cache policies_;
  kube::Cache accounts_;
  kube::EventRecorder events_;
  reconcile::Metrics metrics_;
  reconcile::Reconciler reconciler_;
  kube::Controller controller_;
  std::vector<std::unique_ptr<kube::Reflector>> reflectors_;
  std::map<std::string, std::string> trouble_;  // by resource: why its last list or watch failed
  std::map<kubeapi::ObjectKey, Seen> seen_;     // what last woke a pass: our own status writes must not
  async::Scope watches_;
  async::Scope delivery_;
  bool leads_ = false;
  bool stopping_ = false;
};

}  // namespace ottoscale::operator_main
