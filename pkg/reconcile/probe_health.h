// Whether the operator has to suspect itself: when most of the hosts that it probes fail at once without an answer, its
// own network, or its name server, is likelier to be broken than all of them (fault M11). The Reconciler reports each
// heartbeat here and passes the answer on as Observation::probes_suspect.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "pkg/async/instant.h"
#include "pkg/decision/observation.h"
#include "pkg/policy/policy.h"

namespace ottoscale::reconcile {

class ProbeHealth {
 public:
  static constexpr size_t kFewestFailures = 3;                     // of distinct hosts
  static constexpr absl::Duration kRemembered = absl::Minutes(2);  // what was not seen for so long says nothing

  // Takes in what one probe has found. Anything but ProbeFailed and NotRead is an answer of the host: also a timeout.
  void Report(const policy::ProviderConfig& source, const decision::Sample& sample, async::BootTime now);
  // More than half of the hosts, and at least three, could not be asked.
  bool Suspect(async::BootTime now);

 private:
  struct Host {
    bool failed = false;
    async::BootTime at;
  };
  void ForgetOld(async::BootTime now);

  std::unordered_map<std::string, Host> hosts_;  // its order reaches nothing: it is only counted
  size_t failed_ = 0;
  async::BootTime forgotten_at_;
};

}  // namespace ottoscale::reconcile
