#include "pkg/simulation/dyno_sizes.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ottoscale::simulation {
namespace {

constexpr int kEcoPerApp = 2;

std::vector<DynoSize> Catalogue() {
  std::vector<DynoSize> sizes = {
      {"Eco", 0.5, 1, false, DynoTier::kEco, 1},
      {"Basic", 0.5, 1, false, DynoTier::kBasic, 1},
      {"Standard-1X", 0.5, 1, false, DynoTier::kStandard, 0},
      {"Standard-2X", 1, 2, false, DynoTier::kStandard, 0},
      {"Performance-M", 2.5, 12, true, DynoTier::kPerformance, 10},
      {"Performance-L", 14, 50, true, DynoTier::kPerformance, 10},
      {"Performance-L-RAM", 30, 24, true, DynoTier::kPerformance, 10},
      {"Performance-XL", 62, 50, true, DynoTier::kPerformance, 10},
      {"Performance-2XL", 126, 100, true, DynoTier::kPerformance, 10},
      {"Private-S", 1, 12, true, DynoTier::kPrivate, 10},
      {"Private-M", 2.5, 12, true, DynoTier::kPrivate, 10},
      {"Private-L", 14, 50, true, DynoTier::kPrivate, 10},
  };
  return sizes;
}

DynoTier TierOf(const Scale& scale) { return FindDynoSize(scale.size)->tier; }

int TotalOf(const Formation& formation, std::optional<DynoTier> tier = std::nullopt) {
  int total = 0;
  for (const auto& [type, scale] : formation) total += !tier || TierOf(scale) == *tier ? scale.quantity : 0;
  return total;
}

FormationRefusal Above(int limit, absl::string_view of) {
  return {"cannot_update_above_limit", absl::StrCat("Cannot update to more than ", limit, " ", of, "."), limit};
}

std::optional<FormationRefusal> CheckMixture(const Formation& after) {
  const int total = TotalOf(after);
  for (const DynoTier tier : {DynoTier::kEco, DynoTier::kPrivate}) {
    const int of_tier = TotalOf(after, tier);
    if (of_tier == 0 || of_tier == total) continue;
    return FormationRefusal{"invalid_params", "Cannot mix these dyno types in the same app.", std::nullopt};
  }
  return std::nullopt;
}

}  // namespace

const std::vector<DynoSize>& DynoSizes() {
  static const std::vector<DynoSize>& sizes = *new std::vector<DynoSize>(Catalogue());
  return sizes;
}

const DynoSize* FindDynoSize(absl::string_view name) {
  const auto& sizes = DynoSizes();
  const auto found = std::find_if(sizes.begin(), sizes.end(),
                                  [name](const DynoSize& size) { return absl::EqualsIgnoreCase(size.name, name); });
  return found == sizes.end() ? nullptr : &*found;
}

std::optional<FormationRefusal> CheckFormation(const Formation& before, const Formation& after, int app_limit) {
  for (const auto& [type, to] : after) {
    const Scale& from = before.at(type);
    const DynoSize& size = *FindDynoSize(to.size);
    const bool grows = to.quantity > from.quantity || FindDynoSize(from.size) != &size;
    if (grows && size.most_per_type > 0 && to.quantity > size.most_per_type) {
      return Above(size.most_per_type, absl::StrCat(size.name, " size dynos per process type"));
    }
  }
  if (auto refusal = CheckMixture(after)) return refusal;
  if (const int eco = TotalOf(after, DynoTier::kEco); eco > kEcoPerApp && eco > TotalOf(before, DynoTier::kEco)) {
    return Above(kEcoPerApp, "Eco size dynos per app");
  }
  if (const int total = TotalOf(after); total > app_limit && total > TotalOf(before)) {
    return Above(app_limit, "dynos per app");
  }
  return std::nullopt;
}

}  // namespace ottoscale::simulation
