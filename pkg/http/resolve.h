// Names to addresses for both client profiles.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pkg/async/blocking_pool.h"
#include "pkg/async/task.h"
#include "pkg/http/client.h"

namespace ottoscale::http {

// A numeric address in its usual form, IPv6 without brackets.
bool IsAddress(const std::string& host);

// Asks a Resolver on the threads of a pool. A name that is being asked for is not asked again: whoever comes meanwhile
// waits for the same answer, so a name whose server hangs costs one thread, however often it is polled.
class NameResolver {
 public:
  // `loop` and `pool` outlive it.
  NameResolver(async::Loop& loop, async::BlockingPool& pool, Resolver resolver);

  // The addresses of `host`, at least one. An address in its usual form is its own answer; everything else, odd
  // spellings of addresses included, is asked. Failures: kResolve, kLocalLimit, and those of the context.
  async::Task<absl::StatusOr<std::vector<std::string>>> Resolve(std::string host);

 private:
  using Answer = absl::StatusOr<std::vector<std::string>>;
  struct Waiting;
  class Question;

  async::Loop& loop_;
  async::BlockingPool& pool_;
  Resolver resolver_;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace ottoscale::http
