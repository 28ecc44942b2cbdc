#include "pkg/manifest/manifest.h"

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/resource.h"
#include "pkg/manifest/fields.h"
#include "pkg/manifest/kinds.h"

namespace ottoscale::manifest {
namespace {

enum class Kind { kScalingPolicy, kCloudAccount, kNotificationChannel, kSecret };

struct KnownKind {
  Kind kind;
  std::string api_version;
  std::string name;
};

const std::vector<KnownKind>& KnownKinds() {
  static const std::vector<KnownKind> kKinds = [] {
    const auto known = [](Kind kind, const kubeapi::Resource& resource) {
      return KnownKind{.kind = kind, .api_version = resource.ApiVersion(), .name = resource.kind};
    };
    return std::vector<KnownKind>{
        known(Kind::kScalingPolicy, kubeapi::ScalingPolicies()), known(Kind::kCloudAccount, kubeapi::CloudAccounts()),
        known(Kind::kNotificationChannel, kubeapi::NotificationChannels()), known(Kind::kSecret, kubeapi::Secrets())};
  }();
  return kKinds;
}

// Kind first: who misspells the kind means our apiVersion.
const KnownKind* ReadKind(ObjectReader& root) {
  std::vector<std::string> names;
  for (const KnownKind& kind : KnownKinds()) names.push_back(kind.name);
  root.Require("apiVersion", absl::StrCat("'", kubeapi::ScalingPolicies().ApiVersion(), "'"));
  root.Require("kind", JoinWords(names, "or"));
  const std::optional<size_t> index = root.OneOf("kind", names);
  if (!index) {
    root.String("apiVersion", {1, 253});
    return nullptr;
  }
  const KnownKind& kind = KnownKinds()[*index];
  root.OneOf("apiVersion", {kind.api_version});
  return &kind;
}

void CheckStringMap(ObjectReader& object, absl::string_view key, size_t max_value) {
  const nlohmann::json* map = object.Find(key);
  if (map == nullptr) return;
  const codec::Path path = object.path().Key(key);
  if (!map->is_object()) {
    object.Refuse(key, absl::StrCat("must be an object, found ", codec::Describe(*map)));
    return;
  }
  for (const auto& [name, value] : map->items()) {
    if (!value.is_string()) {
      object.report().Add(path.Key(name),
                          absl::StrCat("must be a string, found ", codec::Describe(value), ": quote it"));
    } else if (value.get_ref<const std::string&>().size() > max_value) {
      object.report().Add(path.Key(name), absl::StrCat("must be at most ", max_value, " characters long, found ",
                                                       value.get_ref<const std::string&>().size()));
    }
  }
}

void CheckMetadata(ObjectReader& root) {
  root.Require("metadata", "set its `name`");
  ObjectReader metadata = root.Object("metadata");
  if (!metadata.present()) return;
  if (!metadata.Has("generateName")) metadata.Require("name");
  Checked(metadata, "name", CheckName);
  Checked(metadata, "namespace", CheckLabel);
  CheckStringMap(metadata, "labels", 63);
  CheckStringMap(metadata, "annotations", 262'144);
  metadata.Allow({"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
                  "deletionGracePeriodSeconds", "finalizers", "ownerReferences", "managedFields", "selfLink"});
  metadata.Finish();
}

void CheckSecret(ObjectReader& root) {
  CheckStringMap(root, "stringData", size_t{1} << 20);
  CheckStringMap(root, "data", size_t{1} << 20);
  root.String("type", {0, 253});
  root.Allow({"immutable"});
}

// What the kind's own part allows.
void CheckBody(Kind kind, ObjectReader& root, const ProviderCheck& check) {
  switch (kind) {
    case Kind::kScalingPolicy: ReadScalingPolicy(root, check); break;
    case Kind::kCloudAccount: ReadCloudAccount(root); break;
    case Kind::kNotificationChannel: CheckNotificationChannel(root); break;
    case Kind::kSecret: CheckSecret(root); break;
  }
  if (kind != Kind::kSecret) root.Allow({"status"});
}

}  // namespace

Decoded<policy::ScalingPolicy> DecodeScalingPolicy(const nlohmann::json& object, const codec::Positions* positions,
                                                   const ProviderCheck& check) {
  Report report(positions);
  ObjectReader root(object, {}, report);
  root.Allow({"apiVersion", "kind", "metadata", "status"});
  Decoded<policy::ScalingPolicy> out;
  out.value = ReadScalingPolicy(root, check);
  root.Finish();
  out.problems = report.Take();
  return out;
}

Decoded<policy::CloudAccount> DecodeCloudAccount(const nlohmann::json& object, const codec::Positions* positions) {
  Report report(positions);
  ObjectReader root(object, {}, report);
  root.Allow({"apiVersion", "kind", "metadata", "status"});
  Decoded<policy::CloudAccount> out;
  out.value = ReadCloudAccount(root);
  root.Finish();
  out.problems = report.Take();
  return out;
}

std::vector<codec::Problem> CheckManifest(const nlohmann::json& object, const codec::Positions* positions,
                                          const ProviderCheck& check) {
  Report report(positions);
  ObjectReader root(object, {}, report);
  if (!root.present()) return report.Take();
  const KnownKind* kind = ReadKind(root);
  CheckMetadata(root);
  if (kind != nullptr) {
    CheckBody(kind->kind, root, check);
  } else {
    for (const auto& [key, value] : object.items()) root.Allow({key});  // without a kind nothing is known about them
  }
  root.Finish();
  return report.Take();
}

}  // namespace ottoscale::manifest
