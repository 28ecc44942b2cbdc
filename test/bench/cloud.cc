// The cloud of the race: the simulated Heroku without its rate limit, and the heartbeats of its apps, on one port.
//
//   bench_cloud APPS SWINGING
//
// Apps are named app-0 ..., their keys key-0, key-1, ... (any app may be asked with any of them). A heartbeat takes
// 100 ms; that of the first SWINGING apps 300 ms while the app has one dyno and 10 ms while it has more, so that their
// policies scale out and in for ever. Prints "listening PORT".
//   GET /heartbeat/APP
//   GET /bench/counts        {"heartbeats": .., "requests": .., "writes": .., "first": seconds since 1970 or null}
//   POST /bench/watch?APP    from now on the next request about this app is timed: GET /bench/seen gives its time or
//   null everything else          the Platform API
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/sleep.h"
#include "pkg/http/server.h"
#include "pkg/simulation/heroku.h"

namespace ottoscale {
namespace {

constexpr int kKeys = 4096;
constexpr const char* kType = "web";

std::string IdOf(int app) { return absl::StrFormat("%08d-0000-4000-8000-000000000000", app); }

class Cloud final : public http::Handler {
 public:
  Cloud(async::Loop& loop, int apps, int swinging)
      : loop_(loop), heroku_(loop, {.rate_limit = 1e12, .rate_refill_per_minute = 1e12}), swinging_(swinging) {
    for (int key = 0; key < kKeys; ++key) heroku_.AddAccount(absl::StrCat("account-", key), absl::StrCat("key-", key));
    for (int app = 0; app < apps; ++app) heroku_.AddApp(absl::StrCat("app-", app), IdOf(app), kType, 1);
  }

  async::Task<http::Response> Handle(http::ServerRequest request) override {
    if (absl::StartsWith(request.path, "/bench/")) co_return Bench(request);
    if (!first_) first_ = loop_.Now().wall;
    absl::string_view app = request.path;
    if (!absl::ConsumePrefix(&app, "/heartbeat/")) {
      if (absl::ConsumePrefix(&app, "/apps/")) See(app.substr(0, app.find('/')));
      co_return co_await heroku_.Handle(std::move(request));
    }
    ++heartbeats_;
    See(app);
    const absl::Duration time = ResponseTime(std::string(app));
    (void)co_await async::Sleep(time);
    co_return http::Response{.body = std::string("Beat")};
  }

 private:
  absl::Duration ResponseTime(const std::string& app) {
    int number = 0;
    if (!absl::SimpleAtoi(absl::StripPrefix(app, "app-"), &number) || number >= swinging_)
      return absl::Milliseconds(100);
    return heroku_.Quantity(app, kType) == 1 ? absl::Milliseconds(300) : absl::Milliseconds(10);
  }

  void See(absl::string_view app) {
    if (watched_.empty() || seen_ || app != watched_) return;
    seen_ = loop_.Now().wall;
  }

  http::Response Bench(const http::ServerRequest& request) {
    const auto number = [](const std::optional<absl::Time>& time) {
      return time ? absl::StrFormat("%.6f", absl::ToDoubleSeconds(*time - absl::UnixEpoch())) : std::string("null");
    };
    if (request.path == "/bench/watch") {
      watched_ = request.query;
      seen_.reset();
      return {.body = std::string("{}")};
    }
    if (request.path == "/bench/seen") return {.body = number(seen_)};
    return {.body = absl::StrCat("{\"heartbeats\": ", heartbeats_, ", \"requests\": ", heroku_.requests(),
                                 ", \"writes\": ", heroku_.writes().size(), ", \"first\": ", number(first_), "}")};
  }

  async::Loop& loop_;
  simulation::SimulatedHeroku heroku_;
  int swinging_;
  uint64_t heartbeats_ = 0;
  std::optional<absl::Time> first_;  // request about any app
  std::string watched_;
  std::optional<absl::Time> seen_;
};

int Serve(int apps, int swinging) {
  async::AsioLoop loop;
  Cloud cloud(loop, apps, swinging);
  auto server = http::Listen(loop, cloud, {.max_connections = 16384});
  if (!server.ok()) return 1;
  std::printf("listening %d\n", static_cast<int>((*server)->port()));
  std::fflush(stdout);
  loop.OnSignals({SIGTERM, SIGINT}, [](int) { std::_Exit(0); });
  loop.Run();
  return 0;
}

}  // namespace
}  // namespace ottoscale

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: bench_cloud APPS SWINGING\n");
    return 2;
  }
  return ottoscale::Serve(std::atoi(arguments[1]), std::atoi(arguments[2]));
}
