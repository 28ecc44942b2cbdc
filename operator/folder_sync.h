// Keeps the embedded API server in step with a folder of manifests and with the secrets of the command line. A file
// with a mistake changes nothing: what it said before stays in force, and the mistake is logged, once for each new
// text. An object that no file names any more is deleted; an object that came from elsewhere is left alone.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "operator/manifests.h"
#include "operator/secret_flags.h"
#include "pkg/async/loop.h"
#include "pkg/async/task.h"
#include "pkg/kube/client.h"
#include "pkg/telemetry/log.h"

namespace ottoscale::operator_main {

class FolderSync {
 public:
  struct Dependencies {
    async::Loop& loop;
    const kube::Client& client;
    telemetry::Logger log;
    manifest::ProviderCheck check;
    ReadVariable variable;
    std::function<void(const Secret&)> on_secret;  // told each value before anything else sees it
  };
  FolderSync(std::string folder, std::vector<SecretFlag> secrets, Dependencies dependencies)
      : folder_(std::move(folder)), secrets_(std::move(secrets)), d_(std::move(dependencies)) {}

  // One look at everything. An error when the folder cannot be read, a secret is missing, or the first look finds a
  // mistake (a start with half of the policies would be worse than none).
  async::Task<absl::Status> SyncOnce();
  // Looks again every `period` until cancelled.
  async::Task<void> Run(absl::Duration period);

  size_t mistakes() const { return mistakes_; }

 private:
  struct Identity {
    std::string kind;
    kubeapi::ObjectKey key;
    auto operator<=>(const Identity&) const = default;
  };
  struct Known {
    std::string text;            // that was last looked at
    std::set<Identity> objects;  // that its last good text named
  };
  async::Task<absl::Status> SyncFile(std::string path);
  async::Task<absl::Status> SyncSecrets();
  async::Task<absl::Status> Put(kubeapi::Resource resource, nlohmann::json object);
  async::Task<void> DeleteUnnamed(std::set<Identity> before);
  std::set<Identity> Named() const;

  std::string folder_;
  std::vector<SecretFlag> secrets_;
  Dependencies d_;
  std::map<std::string, Known> files_;
  size_t mistakes_ = 0;
};

}  // namespace ottoscale::operator_main
