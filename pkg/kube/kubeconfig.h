// kubeconfig files as they stand: read, checked as far as names go, merged. pkg/kube/config.h is what others call.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pkg/codec/yaml.h"
#include "pkg/kube/config.h"

namespace ottoscale::kube {

struct KubeconfigFile {
  std::string path;
  codec::Document document;
};

// One cluster, user or context: its inner object. Borrows from the Kubeconfig that holds it.
struct KubeconfigEntry {
  const KubeconfigFile* file = nullptr;
  const nlohmann::json* value = nullptr;
  codec::Path path;  // "users[0].user"
};

struct Kubeconfig {
  std::vector<std::unique_ptr<KubeconfigFile>> files;
  std::map<std::string, KubeconfigEntry> clusters;
  std::map<std::string, KubeconfigEntry> users;
  std::map<std::string, KubeconfigEntry> contexts;
  std::string current_context;
  std::vector<std::string> notes;
};

// Of each cluster, user and context, and of current-context, the first file that has it wins, whole. With several
// paths, those that do not exist are left out (a note each) as long as one does.
absl::StatusOr<Kubeconfig> ReadKubeconfig(const std::vector<std::string>& paths);

// What `context` ("": the current one) says.
absl::StatusOr<ClusterConfig> ResolveContext(const Kubeconfig& kubeconfig, std::string context,
                                             const std::vector<std::string>& environment);

}  // namespace ottoscale::kube
