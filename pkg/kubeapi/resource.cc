#include "pkg/kubeapi/resource.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace ottoscale::kubeapi {
namespace {

// Names are DNS labels and pass unchanged; anything else must not be able to leave its segment of the path.
std::string Segment(absl::string_view text) {
  if (text == "." || text == "..") return text.size() == 1 ? "%2E" : "%2E%2E";
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      absl::StrAppend(&out, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return out;
}

Resource Ours(absl::string_view plural, absl::string_view kind) {
  return {.group = "ottoscale.dev", .version = "v1alpha1", .plural = std::string(plural), .kind = std::string(kind)};
}

}  // namespace

std::string Resource::ApiVersion() const { return group.empty() ? version : absl::StrCat(group, "/", version); }

std::string Resource::GroupResource() const { return group.empty() ? plural : absl::StrCat(plural, ".", group); }

std::string Resource::CollectionPath(absl::string_view ns) const {
  const std::string root = absl::StrCat(group.empty() ? "/api/" : "/apis/", ApiVersion(), "/");
  if (!namespaced || ns.empty()) return root + plural;
  return absl::StrCat(root, "namespaces/", Segment(ns), "/", plural);
}

std::string Resource::ObjectPath(absl::string_view ns, absl::string_view name) const {
  return absl::StrCat(CollectionPath(ns), "/", Segment(name));
}

const Resource& ScalingPolicies() {
  static const Resource resource = Ours("scalingpolicies", "ScalingPolicy");
  return resource;
}

const Resource& CloudAccounts() {
  static const Resource resource = Ours("cloudaccounts", "CloudAccount");
  return resource;
}

const Resource& NotificationChannels() {
  static const Resource resource = Ours("notificationchannels", "NotificationChannel");
  return resource;
}

const Resource& Secrets() {
  static const Resource resource{.group = "", .version = "v1", .plural = "secrets", .kind = "Secret"};
  return resource;
}

const Resource& Events() {
  static const Resource resource{.group = "events.k8s.io", .version = "v1", .plural = "events", .kind = "Event"};
  return resource;
}

const Resource& Leases() {
  static const Resource resource{.group = "coordination.k8s.io", .version = "v1", .plural = "leases", .kind = "Lease"};
  return resource;
}

}  // namespace ottoscale::kubeapi
