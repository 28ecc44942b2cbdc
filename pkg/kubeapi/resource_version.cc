#include "pkg/kubeapi/resource_version.h"

#include <algorithm>

namespace ottoscale::kubeapi {

bool IsComparable(absl::string_view resource_version) {
  if (resource_version.empty()) return false;
  if (resource_version.size() > 1 && resource_version.front() == '0') return false;
  return std::all_of(resource_version.begin(), resource_version.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::strong_ordering> CompareResourceVersions(absl::string_view a, absl::string_view b) {
  if (!IsComparable(a) || !IsComparable(b)) return std::nullopt;
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

}  // namespace ottoscale::kubeapi
