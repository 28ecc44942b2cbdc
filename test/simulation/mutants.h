// Seeded bugs, put in at the seams: decorators around providers and around the way to the API server. The product knows
// nothing of them.
#pragma once

#include <memory>
#include <string>

#include "pkg/http/http.h"
#include "pkg/ports/ports.h"
#include "test/simulation/world.h"

namespace ottoscale::world {

// The providers with the mutant's bug. `key` is the credential, for the mutant that leaks it.
ports::Providers Mutate(ports::Providers providers, Mutant mutant, const std::string& key);

// The way to the API server with the mutant's bug; null when it has none there.
std::unique_ptr<http::Transport> MutateApi(http::Transport& inner, Mutant mutant);

}  // namespace ottoscale::world
