// What a request line means: which collection or object, and the options of the query. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/apiserver/served.h"

namespace ottoscale::apiserver {

// The segments of a path, percent-decoded: "/api/v1/" is {"api", "v1"}. BadRequest when one cannot be decoded.
absl::StatusOr<std::vector<std::string>> PathSegments(absl::string_view path);

struct Target {
  const Served* served = nullptr;  // borrowed from the list that was searched
  std::string ns;                  // "": all namespaces
  std::string name;                // "": the collection
  bool status = false;             // the /status subresource
};

// NotFound when nothing is served there.
absl::StatusOr<Target> ParseTarget(const std::vector<std::string>& segments, const std::vector<Served>& served);

// What becomes of fields that a schema does not have: refused, pruned with a warning, or pruned.
enum class FieldValidation { kStrict, kWarn, kIgnore };

struct Options {
  bool watch = false;
  bool allow_bookmarks = false;
  std::optional<bool> send_initial_events;
  std::string resource_version;
  std::string resource_version_match;
  std::optional<absl::Duration> timeout;
  size_t limit = 0;  // 0: no limit
  std::string continue_token;
  std::string label_selector;
  std::string field_selector;
  FieldValidation field_validation = FieldValidation::kWarn;
  bool dry_run = false;
  bool force = false;
  std::string field_manager;
  bool pretty = false;
};

// BadRequest names the parameter, what was found and what is allowed. Unknown parameters are ignored.
absl::StatusOr<Options> ParseOptions(absl::string_view query);

}  // namespace ottoscale::apiserver
