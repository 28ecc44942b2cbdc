// One line of a watch.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ottoscale::kube {

struct WatchEvent {
  enum class Type { kAdded, kModified, kDeleted, kBookmark, kError };
  Type type = Type::kBookmark;
  nlohmann::json object;  // kError: a Status; kBookmark: only its metadata.resourceVersion means anything

  // "" when it has none.
  std::string ResourceVersion() const;
  bool operator==(const WatchEvent&) const = default;
};

// {"type": "ADDED", "object": {...}}. DataLoss for anything else, without quoting it.
absl::StatusOr<WatchEvent> ReadWatchEvent(absl::string_view line);

}  // namespace ottoscale::kube
