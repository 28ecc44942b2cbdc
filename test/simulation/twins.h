// Two runs of one world that differ in one thing, compared with each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/simulation/world.h"

namespace ottoscale::world {

// I10: a fault on the second account changes neither the writes nor, by more than a tenth, the pace of the first.
std::vector<std::string> CompareNeighbours(uint64_t seed, Mutant mutant);
// I11: where no event of a burst of edits arrives, the writes are those of the run in which all did.
std::vector<std::string> CompareEvents(uint64_t seed, Mutant mutant);

}  // namespace ottoscale::world
