// The recorded worlds of test/simulation/regressions: what once failed, and one world for each mutant.
#pragma once

#include <string>
#include <vector>

#include "test/simulation/world.h"

namespace ottoscale::world {

struct Recorded {
  enum class Run { kWorld, kNeighbours, kEvents };
  int line = 0;
  Run run = Run::kWorld;
  WorldOptions options;
  std::string invariant;  // that is violated; "": none may be
  std::string why;
};

// What is wrong with the file is in `problems`, a line each.
std::vector<Recorded> ReadRegressions(const std::string& text, std::vector<std::string>& problems);
std::vector<Recorded> ReadRegressionsFile(std::vector<std::string>& problems);

// Runs it and gives its violations.
std::vector<std::string> Violations(const Recorded& recorded);

}  // namespace ottoscale::world
