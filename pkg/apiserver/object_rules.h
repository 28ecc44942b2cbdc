// What every object must be, and what the server sets on it. Pure: `now`, the uid and names come from the caller.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/apiserver/served.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

// apiVersion, kind, and (where the body has them) name and namespace agree with where it was sent; metadata is well
// formed. `key.name` may be empty for a creation.
absl::Status CheckEnvelope(const Served& served, const kubeapi::ObjectKey& key, const nlohmann::json& input);
// Labels, annotations and finalizers have the form of such names; an object that is being deleted gets no new
// finalizer. `live` is null for a new object.
absl::Status CheckUserMetadata(const Served& served, const std::string& name, const nlohmann::json* live,
                               const nlohmann::json& next);
// A Secret keeps its type, and what it holds once it is immutable. Other kinds pass.
absl::Status CheckSecretChange(const Served& served, const std::string& name, const nlohmann::json& live,
                               const nlohmann::json& next);
// DNS names of at most 253 bytes; the namespace is one label.
absl::Status CheckKey(const Served& served, const kubeapi::ObjectKey& key);

// Folds the stringData of a Secret into its data, as far as it is well formed. Other kinds stay as they are.
void FoldStringData(const Served& served, nlohmann::json& object);

// What a kind asks of its objects: Secrets base64 (stringData is folded in), Events and Leases their required fields.
// Changes `object` into what is stored. Invalid with every cause.
absl::Status ApplyKindRules(const Served& served, const std::string& name, nlohmann::json& object);

struct Birth {
  std::string uid;
  absl::Time now;
};
// `input` as a new object: only the metadata that users set, then what the server sets; no status for custom kinds.
nlohmann::json NewObject(const Served& served, const kubeapi::ObjectKey& key, const nlohmann::json& input,
                         const Birth& birth);
// `input` as the next state of `live` by a write to the object (status stays) or to /status (all but status stays).
// generation grows when what is wanted changed. managedFields are those of `live`.
nlohmann::json NextObject(const Served& served, const nlohmann::json& live, const nlohmann::json& input, bool status);

// True when anything but metadata and status differs.
bool WantsChanged(const nlohmann::json& a, const nlohmann::json& b);
// True when anything but managedFields and resourceVersion differs.
bool ContentChanged(const nlohmann::json& a, const nlohmann::json& b);

}  // namespace ottoscale::apiserver
