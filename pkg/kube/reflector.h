// Keeps a Cache in step with the API server: drives a WatchMachine with a Client. One task a resource.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "pkg/async/loop.h"
#include "pkg/async/task.h"
#include "pkg/kube/cache.h"
#include "pkg/kube/client.h"
#include "pkg/kube/watch_machine.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::kube {

struct ReflectorOptions {
  kubeapi::Resource resource;
  std::string ns;  // "": all
  std::string label_selector;
  std::string field_selector;
  absl::Duration list_timeout = absl::Seconds(60);
  absl::Duration open_timeout = absl::Seconds(30);  // of a watch, up to its headers
  // The server ends each watch after a time drawn from [this, twice this).
  absl::Duration watch_timeout = absl::Seconds(300);
  absl::Duration idle_timeout = absl::Seconds(90);
  // Told before each pause: a list or watch failed, otherwise than by a stream that ended in its time.
  std::function<void(const absl::Status& why, absl::Duration pause)> on_failure;
};

struct ReflectorCounters {
  uint64_t lists = 0;
  uint64_t watches = 0;
  uint64_t events = 0;
  uint64_t bookmarks = 0;
  uint64_t failures = 0;
};

class Reflector {
 public:
  // All borrowed; they outlive Run().
  Reflector(async::Loop& loop, const Client& client, Cache& cache, ReflectorOptions options)
      : loop_(loop), client_(client), cache_(cache), options_(std::move(options)) {}
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  // Runs until it is cancelled. Once.
  async::Task<void> Run();

  const ReflectorCounters& counters() const { return counters_; }
  // Of the newest state seen; "" before the first list.
  const std::string& resource_version() const { return machine_.resource_version(); }

 private:
  async::Task<WatchInput> Do(WatchAction action);
  async::Task<WatchInput> List(std::string resource_version);
  async::Task<WatchInput> Open(DoWatch watch);
  async::Task<WatchInput> Read();
  async::Task<WatchInput> Wait(DoWait wait);
  void Tell(CacheChange change);

  async::Loop& loop_;
  const Client& client_;
  Cache& cache_;
  const ReflectorOptions options_;
  WatchMachine machine_;
  std::unique_ptr<LineReader> stream_;
  absl::Status last_failure_;
  ReflectorCounters counters_;
};

}  // namespace ottoscale::kube
