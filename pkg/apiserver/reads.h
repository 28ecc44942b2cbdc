// The reading verbs but watch: one object, and lists with their pages.
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/apiserver/selector.h"
#include "pkg/apiserver/store.h"
#include "pkg/apiserver/target.h"

namespace ottoscale::apiserver {

// What resourceVersion asks for. nullopt: any ("" and "0"). BadRequest when it is no number.
absl::StatusOr<std::optional<int64_t>> WantedRevision(const Options& options);
// Timeout with the cause ResourceVersionTooLarge, as the real server says it.
absl::Status FromTheFuture(int64_t wanted, int64_t current);
// Expired: list again.
absl::Status TooOld(int64_t wanted);

absl::StatusOr<ObjectPtr> ReadOne(Store& store, const Target& target);
// Items in the order of their keys, all of one revision, which stands in metadata.resourceVersion; metadata.continue
// leads to the next page of the same revision. Expired when that has been forgotten.
absl::StatusOr<nlohmann::json> ReadList(Store& store, const Target& target, const Options& options);

}  // namespace ottoscale::apiserver
