// The catalogue of dyno sizes (Cedar) and what it forbids. From the public reference: cloud-apis 6.6.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ottoscale::simulation {

enum class DynoTier { kEco, kBasic, kStandard, kPerformance, kPrivate };

struct DynoSize {
  absl::string_view name;
  double memory_gb = 0.5;
  int compute = 1;
  bool dedicated = false;
  DynoTier tier = DynoTier::kStandard;
  int most_per_type = 0;  // dynos of one process type; 0: only the app's limit holds
};

const std::vector<DynoSize>& DynoSizes();
// Letter case does not matter. nullptr: there is no such size.
const DynoSize* FindDynoSize(absl::string_view name);

// What a process type has, or shall have.
struct Scale {
  std::string size;
  int quantity = 0;
};
using Formation = std::map<std::string, Scale>;  // by process type

struct FormationRefusal {
  std::string id;            // of the error: invalid_params or cannot_update_above_limit
  std::string message;       // for people
  std::optional<int> limit;  // with cannot_update_above_limit
};

// Whether an app may go from `before` to `after` (the same types). What is over a limit already may stay or shrink.
// Sizes exist. Limits: per process type by size; 2 Eco dynos per app; `app_limit` dynos of all types together; Eco goes
// with no other size, and sizes of a private space only with each other.
std::optional<FormationRefusal> CheckFormation(const Formation& before, const Formation& after, int app_limit);

}  // namespace ottoscale::simulation
