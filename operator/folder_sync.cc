#include "operator/folder_sync.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/base64.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::operator_main {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);
constexpr char kNamespace[] = "default";

const kubeapi::Resource* ResourceOf(absl::string_view kind) {
  for (const kubeapi::Resource* resource : {&kubeapi::ScalingPolicies(), &kubeapi::CloudAccounts(),
                                            &kubeapi::NotificationChannels(), &kubeapi::Secrets()}) {
    if (resource->kind == kind) return resource;
  }
  return nullptr;
}

// What of an object is the user's: everything but what the server adds.
nlohmann::json Desired(const nlohmann::json& object) {
  nlohmann::json desired = object;
  if (!desired.contains("metadata") || !desired["metadata"].is_object()) desired["metadata"] = nlohmann::json::object();
  if (!desired["metadata"].contains("namespace")) desired["metadata"]["namespace"] = kNamespace;
  desired.erase("status");
  return desired;
}

}  // namespace

// Creates the object, or replaces the user's part of it when that differs.
async::Task<absl::Status> FolderSync::Put(kubeapi::Resource resource, nlohmann::json object) {
  const kubeapi::ObjectKey key{codec::StringOr(object, {"metadata", "namespace"}, kNamespace),
                               codec::StringOr(object, {"metadata", "name"}, "")};
  const async::BootTime deadline = d_.loop.Now().boot + kCallTimeout;
  auto existing = co_await d_.client.Get(resource, key, deadline);
  if (kubeapi::Is(existing.status(), kubeapi::ErrorReason::kNotFound)) {
    co_return (co_await d_.client.Create(resource, object, deadline)).status();
  }
  CO_RETURN_IF_ERROR(existing.status());
  nlohmann::json next = *existing;
  for (const char* part : {"spec", "data", "type"}) {
    if (object.contains(part)) {
      next[part] = object[part];
    } else {
      next.erase(part);
    }
  }
  for (const char* part : {"labels", "annotations"}) {
    if (const nlohmann::json* value = codec::Find(object, {"metadata", part})) next["metadata"][part] = *value;
  }
  if (next == *existing) co_return absl::OkStatus();
  co_return (co_await d_.client.Update(resource, next, deadline)).status();
}

async::Task<absl::Status> FolderSync::SyncSecrets() {
  std::map<kubeapi::ObjectKey, nlohmann::json> wanted;
  for (const SecretFlag& flag : secrets_) {
    CO_ASSIGN_OR_RETURN(const Secret value, ReadSecret(flag, d_.variable, ReadTextFile));
    d_.on_secret(value);
    nlohmann::json& object = wanted[{flag.ns, flag.name}];
    object["apiVersion"] = "v1";
    object["kind"] = "Secret";
    object["metadata"] = {{"name", flag.name}, {"namespace", flag.ns}};
    object["type"] = "Opaque";
    object["data"][flag.key] = kubeapi::EncodeBase64(value.Reveal());
  }
  for (auto& [key, object] : wanted) {
    const absl::Status put = co_await Put(kubeapi::Secrets(), std::move(object));
    if (!put.ok()) co_return Annotate(absl::StrCat("--secret ", key.name), put);
  }
  co_return absl::OkStatus();
}

// Reads one file. Its mistakes are logged when its text is new; the objects of its last good text stay named.
async::Task<absl::Status> FolderSync::SyncFile(std::string path) {
  Known& known = files_[path];
  const ManifestFile file = LoadManifests(path, d_.check);
  std::string text = file.problems.empty() ? "" : file.Lines().front();
  for (const Manifest& manifest : file.manifests) absl::StrAppend(&text, codec::Dump(manifest.document.value), "\n");
  const bool changed = text != known.text;
  known.text = std::move(text);
  if (!file.ok()) {
    for (const std::string& line : file.Lines()) {
      if (changed) d_.log.Error(line);
      ++mistakes_;
    }
    co_return absl::InvalidArgumentError(file.Lines().front());
  }
  known.objects.clear();
  for (const Manifest& manifest : file.manifests) {
    const nlohmann::json object = Desired(manifest.document.value);
    const std::string kind = codec::StringOr(object, {"kind"}, "");
    const kubeapi::Resource* resource = ResourceOf(kind);
    if (resource == nullptr) continue;  // refused by the check above
    const std::string name = codec::StringOr(object, {"metadata", "name"}, "");
    known.objects.insert({kind, {codec::StringOr(object, {"metadata", "namespace"}, kNamespace), name}});
    const absl::Status put = co_await Put(*resource, object);
    if (put.ok()) continue;
    d_.log.Error("not applied", {{"file", path}, {"kind", kind}, {"name", name}, {"error", put.message()}});
    co_return Annotate(absl::StrCat(path, ": ", kind, " ", name), put);
  }
  co_return absl::OkStatus();
}

std::set<FolderSync::Identity> FolderSync::Named() const {
  std::set<Identity> named;
  for (const auto& [path, known] : files_) named.insert(known.objects.begin(), known.objects.end());
  return named;
}

async::Task<void> FolderSync::DeleteUnnamed(std::set<Identity> before) {
  const std::set<Identity> named = Named();
  for (const Identity& identity : before) {
    if (named.contains(identity)) continue;
    const absl::Status deleted =
        co_await d_.client.Delete(*ResourceOf(identity.kind), identity.key, "", d_.loop.Now().boot + kCallTimeout);
    if (deleted.ok())
      d_.log.Info("deleted, no file names it any more", {{"kind", identity.kind}, {"name", identity.key.ToString()}});
  }
}

async::Task<absl::Status> FolderSync::SyncOnce() {
  mistakes_ = 0;
  CO_ASSIGN_OR_RETURN(const std::vector<std::string> paths, FilesAt(folder_));
  CO_RETURN_IF_ERROR(co_await SyncSecrets());
  const std::set<Identity> before = Named();
  absl::Status first;
  for (const std::string& path : paths) first.Update(co_await SyncFile(path));
  std::erase_if(files_, [&paths](const auto& entry) {
    return std::find(paths.begin(), paths.end(), entry.first) == paths.end();
  });
  co_await DeleteUnnamed(before);
  if (paths.empty())
    co_return absl::NotFoundError(absl::StrCat(folder_, ": no .yaml, .yml or .json file in this folder"));
  co_return first;
}

async::Task<void> FolderSync::Run(absl::Duration period) {
  std::string last;
  while ((co_await async::Sleep(period)).ok()) {
    const absl::Status synced = co_await SyncOnce();
    const std::string now = synced.ToString();
    if (!synced.ok() && now != last && mistakes_ == 0) {
      d_.log.Error("the folder is not in step", {{"folder", folder_}, {"error", synced.message()}});
    }
    last = now;
  }
}

}  // namespace ottoscale::operator_main
