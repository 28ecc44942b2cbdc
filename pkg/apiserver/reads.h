// The reading verbs but watch: one object, and lists with their pages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/apiserver/selector.h"
#include "pkg/apiserver/store.h"
#include "pkg/apiserver/target.h"
#include "pkg/http/http.h"

namespace ottoscale::apiserver {

// What resourceVersion asks for. nullopt: any ("" and "0"). BadRequest when it is no number.
absl::StatusOr<std::optional<int64_t>> WantedRevision(const Options& options);
// Timeout with the cause ResourceVersionTooLarge, as the real server says it.
absl::Status FromTheFuture(int64_t wanted, int64_t current);
// Expired: list again.
absl::Status TooOld(int64_t wanted);

absl::StatusOr<ObjectPtr> ReadOne(Store& store, const Target& target);

// One page: all items of one revision, in the order of their keys.
struct ListPage {
  std::string kind;  // "ScalingPolicyList"
  std::string api_version;
  nlohmann::json metadata;  // resourceVersion; continue leads to the next page of the same revision
  std::vector<ObjectPtr> items;
};
// Expired when the revision that `options` ask for has been forgotten.
absl::StatusOr<ListPage> ReadList(Store& store, const Target& target, const Options& options);

// The page as JSON. A long one is written while it is pulled, slice by slice, each in a turn of its own: ten thousand
// objects do not stop the loop.
http::Body ListBody(ListPage page);

}  // namespace ottoscale::apiserver
