// The kinds of objects that the program talks about, and where the Kubernetes API serves them. Used by the client and
// by the embedded API server, so both sides agree on every path.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace ottoscale::kubeapi {

struct Resource {
  std::string group;  // "" is the core group, served below /api
  std::string version;
  std::string plural;  // as in a path: "scalingpolicies"
  std::string kind;    // as in an object: "ScalingPolicy"
  bool namespaced = true;

  // "ottoscale.dev/v1alpha1"; "v1" for the core group. The apiVersion of its objects.
  std::string ApiVersion() const;
  // "scalingpolicies.ottoscale.dev"; "secrets" for the core group. How messages name it.
  std::string GroupResource() const;
  // "/apis/G/V/namespaces/NS/PLURAL"; of all namespaces when `ns` is empty or the resource has none.
  std::string CollectionPath(absl::string_view ns) const;
  // The path of one object. `ns` is ignored when the resource has no namespaces. Both are percent-encoded.
  std::string ObjectPath(absl::string_view ns, absl::string_view name) const;
  std::string StatusPath(absl::string_view ns, absl::string_view name) const {
    return ObjectPath(ns, name) + "/status";
  }

  bool operator==(const Resource&) const = default;
  auto operator<=>(const Resource&) const = default;
};

const Resource& ScalingPolicies();
const Resource& CloudAccounts();
const Resource& NotificationChannels();
const Resource& Secrets();
const Resource& Events();  // events.k8s.io/v1
const Resource& Leases();  // coordination.k8s.io/v1

}  // namespace ottoscale::kubeapi
