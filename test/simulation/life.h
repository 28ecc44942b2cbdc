// One life of the operator in a world, from its start to its end, with the wires that lead out of it.
#pragma once

#include <memory>
#include <string>

#include "operator/program.h"
#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/simulation/faults.h"
#include "pkg/telemetry/log.h"
#include "pkg/telemetry/metrics.h"
#include "test/simulation/mutants.h"
#include "test/simulation/plan.h"

namespace ottoscale::world {

struct Life {
  struct Parts {
    async::Loop& loop;
    http::Transport& kube;
    http::Transport& cloud;
    http::Transport& probe;
    simulation::Wire::Observer observer;
    telemetry::Sink sink;
    Mutation mutation;
  };
  explicit Life(Parts parts);

  simulation::FaultyTransport& wire_of(Lane lane);
  uint64_t faults() const;
  // Of one policy ("namespace", "name"): changes that have ended, in whatever way.
  uint64_t Operations(const std::string& ns, const std::string& name);

  simulation::Wire wire;
  simulation::FaultyTransport kube_wire;
  simulation::FaultyTransport cloud_wire;
  simulation::FaultyTransport probe_wire;
  std::unique_ptr<http::Transport> mutant_api;
  ports::Providers providers;
  telemetry::Registry registry;
  telemetry::Log log;
  operator_main::Program program;
};

}  // namespace ottoscale::world
