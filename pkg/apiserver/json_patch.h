// application/json-patch+json (RFC 6902). Our own: nlohmann's patch throws, and aborts on a path through a plain value.
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace ottoscale::apiserver {

// `object` after the operations of `patch`. BadRequest when it is no patch; Invalid, naming the operation, when one
// cannot be done or a test does not hold; RequestEntityTooLarge when copies would blow the object up.
absl::StatusOr<nlohmann::json> ApplyJsonPatch(const nlohmann::json& object, const nlohmann::json& patch);

}  // namespace ottoscale::apiserver
