// Which of a world's disturbances it takes to fail: delta debugging (ddmin, Zeller and Hildebrandt) over their numbers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "test/simulation/world.h"

namespace ottoscale::world {

// A part of `all`, in its order, for which `fails` holds and which is as small as `tries` calls can make it; when they
// suffice, no single element can be left out. `fails(all)` holds.
std::vector<int> Minimise(std::vector<int> all, int tries, const std::function<bool(const std::vector<int>&)>& fails);

// The same world with the fewest disturbances that still violate this invariant ("I4"): its `only` and its `salt` are
// set. A part of the list may need other draws of the loop to fail in the same way, so a few are tried with each.
WorldOptions MinimalWorld(const WorldOptions& failing, const std::string& invariant, int tries);

// The invariant that a violation names: "I4 cooldown: ..." gives "I4".
std::string InvariantOf(const std::string& violation);
// The first violation of this invariant; "" when there is none.
std::string FirstViolation(const WorldResult& result, const std::string& invariant);

// One command that runs the world again and prints its trace; and, where `only` is set, the disturbances, a line each.
std::string HowToReplay(const WorldOptions& options);

}  // namespace ottoscale::world
