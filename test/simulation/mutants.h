// Seeded bugs, put in at the seams: decorators around providers and around the way to the API server. The product knows
// nothing of them.
#pragma once

#include <memory>
#include <string>

#include "pkg/async/simulated_loop.h"
#include "pkg/http/http.h"
#include "pkg/ports/ports.h"
#include "test/simulation/world.h"

namespace ottoscale::world {

struct Mutation {
  Mutant mutant = Mutant::kNone;
  std::string key;                       // the credential, for the mutant that leaks it
  async::SimulatedLoop* loop = nullptr;  // borrowed, for the mutant that blocks it
};

// The providers with the mutant's bug.
ports::Providers Mutate(ports::Providers providers, const Mutation& mutation);

// The way to the API server with the mutant's bug; null when it has none there.
std::unique_ptr<http::Transport> MutateApi(http::Transport& inner, Mutant mutant);

}  // namespace ottoscale::world
