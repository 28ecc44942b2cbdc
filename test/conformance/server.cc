// The embedded API server alone, on a port of its own: everything that it serves, Secrets too, with the kinds of crds/
// and the checks of the program. Prints "listening PORT"; ends by a signal. For the conformance tests, and for nothing
// else.
#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/crd.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/asio_loop.h"
#include "pkg/base/check.h"
#include "pkg/http/server.h"
#include "pkg/manifest/crds.h"
#include "pkg/providers/heartbeat/heartbeat.h"
#include "pkg/providers/heroku/heroku.h"
#include "pkg/reconcile/provider_check.h"

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

apiserver::ApiServerOptions OptionsWith(const ports::Providers& providers) {
  apiserver::ApiServerOptions options;
  absl::StatusOr<std::vector<apiserver::Served>> served = apiserver::ServedWith(manifest::Crds());
  CHECK(served.ok(), "the program serves its own kinds");
  options.served = *std::move(served);
  options.bookmark_interval = absl::Seconds(2);
  options.validator = [check = reconcile::CheckWith(providers)](const kubeapi::Resource&,
                                                                const nlohmann::json& object) {
    std::vector<std::string> problems;
    for (const codec::Problem& problem : manifest::CheckManifest(object, nullptr, check)) {
      problems.push_back(codec::FormatProblem(problem));
    }
    return problems;
  };
  return options;
}

int Serve() {
  async::AsioLoop loop;
  NoTransport none;
  ports::Providers providers;
  providers.sources.push_back(heartbeat::MakeHeartbeatProvider(loop, none));
  providers.targets.push_back(heroku::MakeHerokuProvider(loop, none, {}));
  apiserver::MemoryStore store(kHistory);
  apiserver::ApiServer api(loop, store, OptionsWith(providers));
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
