// The seams between the domain and the clouds. A provider is a value in operator/providers.cc: it checks its own
// configuration and makes sources or targets; it never sees Kubernetes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pkg/async/task.h"
#include "pkg/base/secret.h"
#include "pkg/decision/observation.h"
#include "pkg/policy/policy.h"

namespace ottoscale::ports {

// SEAM. Reads one metric. Never fails: what could not be measured is a missing sample. Returns by `deadline`. Reads may
// overlap.
class MetricSource {
 public:
  virtual ~MetricSource() = default;
  virtual async::Task<decision::Sample> Read(async::BootTime deadline) = 0;
};

// How many requests an account may still make, as its cloud last said.
struct RequestQuota {
  int64_t remaining = 0;
  int64_t limit = 0;  // the most that was ever left: the size of the quota, as far as we know
  bool operator==(const RequestQuota&) const = default;
};

// SEAM. Something that has a capacity.
class ScalingTarget {
 public:
  virtual ~ScalingTarget() = default;
  virtual async::Task<decision::TargetReading> Read(async::BootTime deadline) = 0;
  // Applied, Refused or Unknown. Absolute: twice equals once. Sent at most once by our code.
  virtual async::Task<decision::WriteResult> SetCapacity(int capacity, async::BootTime deadline) = 0;
  // Of its account, for whoever watches it; nullopt: this cloud does not say, or has not been asked yet.
  virtual std::optional<RequestQuota> Quota() const { return std::nullopt; }
};

// What a provider gets of a CloudAccount, its secret resolved.
struct Account {
  std::string name;  // namespace/name, for messages
  std::string url;
  Secret credential;
  int requests_per_minute = 60;
  bool operator==(const Account&) const = default;
};

// A mistake in a provider's configuration. `path` is relative to the union member ("url", "expectedStatuses[1]").
struct ConfigProblem {
  std::string path;
  std::string message;  // what was found, what is allowed
  bool operator==(const ConfigProblem&) const = default;
};
using CheckConfig = std::function<std::vector<ConfigProblem>(const policy::ProviderConfig& config)>;

struct SourceProvider {
  std::string type;  // spec.metrics[].source.type
  CheckConfig check;
  // Called with a configuration that `check` accepts.
  std::function<std::unique_ptr<MetricSource>(const policy::ProviderConfig& config)> make;
};

struct TargetProvider {
  std::string type;          // spec.target.type
  std::string account_type;  // CloudAccount.spec.type that it needs
  CheckConfig check;
  std::function<std::unique_ptr<ScalingTarget>(const policy::ProviderConfig& config, const Account& account)> make;
};

struct Providers {
  std::vector<SourceProvider> sources;
  std::vector<TargetProvider> targets;
};

}  // namespace ottoscale::ports
