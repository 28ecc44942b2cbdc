// Request bodies as trees: JSON or YAML by their Content-Type, within limits.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/http/http.h"

namespace ottoscale::apiserver {

inline constexpr size_t kMaxBodyBytes = size_t{3} << 20;
inline constexpr int kMaxDepth = 64;

// RequestEntityTooLarge past kMaxBodyBytes. To be checked before anything else is done with a body.
absl::Status CheckSize(const http::ServerRequest& request);
// The media type without parameters, lower case; "" when there is no Content-Type.
std::string MediaType(const http::ServerRequest& request);
// One object in JSON (or no Content-Type), or in YAML by application/yaml. UnsupportedMediaType, or BadRequest with the
// place of the mistake.
absl::StatusOr<nlohmann::json> ReadObject(const http::ServerRequest& request);
// The body as JSON whatever its media type; not necessarily an object.
absl::StatusOr<nlohmann::json> ReadJsonBody(absl::string_view body);
// The body as YAML or JSON; an object.
absl::StatusOr<nlohmann::json> ReadYamlObject(absl::string_view body);
// UnsupportedMediaType, naming what was found and what is allowed.
absl::Status WrongMediaType(absl::string_view found, absl::string_view allowed);

}  // namespace ottoscale::apiserver
