// What a policy says, as the test that wrote it knows it.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace ottoscale::world {

struct PolicyFacts {
  std::string name;
  std::string ns;
  std::string app;
  int account = 0;
  int min = 1;
  int max = 5;
  double lower_ms = 120;
  double upper_ms = 1000;
  absl::Duration poll;
  absl::Duration out_cooldown;
  absl::Duration in_cooldown;
  bool may_write = true;    // Enforce and not suspended
  bool recommends = false;  // it is Recommend, not suspension, when it may not write
};

}  // namespace ottoscale::world
