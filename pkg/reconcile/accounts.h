// From an accountRef to what a provider needs: the CloudAccount (watched) and its Secret (read when needed, since a
// watch on Secrets would need the right to read all of them). Every way in which that fails is a TargetFailure with its
// own reason and one sentence that says what to do.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/async/task.h"
#include "pkg/decision/observation.h"
#include "pkg/kube/cache.h"
#include "pkg/kube/client.h"
#include "pkg/kubeapi/object.h"
#include "pkg/manifest/manifest.h"
#include "pkg/ports/ports.h"

namespace ottoscale::reconcile {

using AccountResult = std::variant<decision::TargetFailure, ports::Account>;

class Accounts {
 public:
  // `allowed`: types of accounts that the administrator allows; empty: all. The others are borrowed and outlive it.
  Accounts(async::Loop& loop, const kube::Client& client, const kube::Cache& cache,
           std::vector<std::string> allowed = {})
      : loop_(loop), client_(client), cache_(cache), allowed_(std::move(allowed)) {}

  // `ref` is spec.<...>.accountRef.name of a policy in `ns`, which needs an account of `type`. `fresh`: read the Secret
  // again, since the value that we have was refused.
  async::Task<AccountResult> Resolve(std::string ns, std::string ref, std::string type, bool fresh,
                                     async::BootTime deadline);

 private:
  using SecretPtr = std::shared_ptr<const nlohmann::json>;
  struct CachedSecret {
    SecretPtr object;
    async::BootTime read_at;
  };
  using DecodedAccount = manifest::Decoded<policy::CloudAccount>;
  struct Known {
    kube::ObjectPtr object;  // that `decoded` comes from
    std::shared_ptr<const DecodedAccount> decoded;
  };
  // Once per state of the object.
  std::shared_ptr<const DecodedAccount> Decode(const kube::ObjectPtr& object);
  async::Task<absl::StatusOr<SecretPtr>> ReadSecret(kubeapi::ObjectKey key, bool fresh, async::BootTime deadline);

  async::Loop& loop_;
  const kube::Client& client_;
  const kube::Cache& cache_;
  const std::vector<std::string> allowed_;
  std::map<kubeapi::ObjectKey, CachedSecret> secrets_;
  std::map<kubeapi::ObjectKey, Known> accounts_;
};

}  // namespace ottoscale::reconcile
