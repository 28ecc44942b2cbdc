// Who we are to one API server, kept fresh: see the table in pkg/kube/cluster.h. Asked before every request; nearly
// always it answers without waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pkg/async/loop.h"
#include "pkg/async/promise.h"
#include "pkg/async/task.h"
#include "pkg/base/secret.h"
#include "pkg/kube/child_process.h"
#include "pkg/kube/config.h"
#include "pkg/kube/exec_credential.h"

namespace ottoscale::kube {

// What the credentials need of the machine. Files are read and processes run off the loop, results arrive on it.
struct Machine {
  std::function<async::Future<std::string>(std::string path)> read;
  // The result comes in a later turn, unless the handle has been destroyed.
  std::function<std::unique_ptr<ProcessHandle>(ProcessCall, std::function<void(absl::StatusOr<ProcessResult>)> done)>
      run;
};

struct Credential {
  std::string scheme = "Bearer";
  std::optional<Secret> secret;
  std::string certificate_pem;  // of an exec plugin; "": that of the configuration
  Secret key_pem;
  uint64_t version = 0;  // another credential has another version
};

class Credentials {
 public:
  // Borrows `config`. `on_trouble` and `on_secret` may be null.
  Credentials(async::Loop& loop, const ClusterConfig& config, Machine machine,
              std::function<void(absl::string_view)> on_trouble, std::function<void(const Secret&)> on_secret);
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials();

  async::Task<absl::StatusOr<Credential>> Get();
  // The server answered 401 to this version: the next Get() looks for a newer one. False when there will be none.
  bool Refused(uint64_t version);

 private:
  async::Task<absl::Status> ReadTokenFile();
  async::Task<absl::Status> RunPlugin();
  void PluginEnded(absl::StatusOr<ProcessResult> result);
  void Take(Credential credential);

  async::Loop& loop_;
  const ClusterConfig& config_;
  const Machine machine_;
  const std::function<void(absl::string_view)> on_trouble_;
  const std::function<void(const Secret&)> on_secret_;

  Credential current_;
  async::BootTime read_at_;  // when the token file is due
  // The plugin.
  std::unique_ptr<ProcessHandle> running_;
  async::TimerId limit_;
  std::vector<async::Promise<void>> waiting_;
  absl::Time expires_ = absl::InfinitePast();
  absl::Status failure_;
  async::BootTime retry_at_;  // no run before that
};

}  // namespace ottoscale::kube
