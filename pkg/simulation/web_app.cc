#include "pkg/simulation/web_app.h"

#include <algorithm>
#include <utility>

#include "pkg/async/sleep.h"

namespace ottoscale::simulation {

SimulatedApp::SimulatedApp(async::Loop& loop, WebAppOptions options, LoadCurve load, std::function<int()> dynos,
                           std::function<bool()> open)
    : loop_(loop), options_(options), load_(std::move(load)), dynos_(std::move(dynos)), open_(std::move(open)),
      start_(loop.Now().boot) {}

absl::Duration SimulatedApp::ResponseTime(absl::Duration service_time, double rate, int dynos) {
  if (dynos <= 0) return absl::InfiniteDuration();
  const double rho = absl::ToDoubleSeconds(service_time) * rate / dynos;
  if (rho >= 1) return absl::InfiniteDuration();
  return service_time / (1 - rho);
}

double SimulatedApp::RateNow() const { return load_(loop_.Now().boot - start_); }

absl::Duration SimulatedApp::ResponseTimeNow() const {
  return ResponseTime(options_.service_time, RateNow(), dynos_());
}

async::Task<http::Response> SimulatedApp::Handle(http::ServerRequest request) {
  http::Response answer{.status = 200, .body = http::Body(request.method == "HEAD" ? "" : "Beat")};
  answer.headers.Set("Content-Type", "text/plain");
  const bool serving = open_() && dynos_() > 0;
  absl::Duration wait = serving ? loop_.random().Jitter(ResponseTimeNow(), options_.noise) : absl::Milliseconds(2);
  if (!serving || wait > options_.router_timeout) {
    answer.status = 503;
    answer.body = http::Body("<html><title>Application error</title></html>");
    answer.headers.Set("Content-Type", "text/html");
    wait = std::min(wait, options_.router_timeout);
  }
  (void)co_await async::Sleep(wait);  // a client that went away ends it early, and nobody reads the answer
  co_return answer;
}

}  // namespace ottoscale::simulation
