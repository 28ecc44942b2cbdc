// The embedded API server alone, on a port of its own: everything that it serves, Secrets too, with the kinds of crds/
// and the checks of the program. Prints "listening PORT"; ends by a signal. For the conformance tests, and for nothing
// else.
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include "operator/standalone.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/asio_loop.h"
#include "pkg/http/server.h"

namespace ottoscale {
namespace {

// Few enough that the tests can make the server forget.
constexpr size_t kHistory = 200;

class NoTransport final : public http::Transport {
 public:
  async::Task<absl::StatusOr<http::Response>> Send(http::Request, async::BootTime) override {
    co_return http::MakeFailure({http::Failure::kInvalidRequest, false}, "this program uses no network");
  }
};

int Serve() {
  async::AsioLoop loop;
  NoTransport none;
  const ports::Providers providers = operator_main::MakeProviders(loop, none, none, {});
  apiserver::ApiServerOptions options = operator_main::EmbeddedApi(providers);
  options.bookmark_interval = absl::Seconds(2);
  apiserver::MemoryStore store(kHistory);
  apiserver::ApiServer api(loop, store, std::move(options));
  auto server = http::Listen(loop, api, {});
  if (!server.ok()) return 1;
  std::printf("listening %d\n", static_cast<int>((*server)->port()));
  std::fflush(stdout);
  loop.OnSignals({SIGTERM, SIGINT}, [](int) { std::_Exit(0); });
  loop.Run();
  return 0;
}

}  // namespace
}  // namespace ottoscale

int main() { return ottoscale::Serve(); }
