// Names to addresses for both client profiles.
#pragma once

#include <string>
#include <vector>

#include "pkg/async/blocking_pool.h"
#include "pkg/async/task.h"
#include "pkg/http/client.h"

namespace ottoscale::http {

// The addresses of `host`, at least one. An address in its usual form is its own answer; everything else, odd spellings
// of addresses included, is asked of `resolver` on a thread of the pool. Failures: kResolve, kLocalLimit, and those of
// the context; a resolver that hangs costs its thread, not the caller.
async::Task<absl::StatusOr<std::vector<std::string>>> Resolve(async::BlockingPool& pool, Resolver resolver, std::string host);

}  // namespace ottoscale::http
