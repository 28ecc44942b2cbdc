// A simulated web app: its heartbeat is as slow as the queues in front of its dynos make it (queueing.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "pkg/async/loop.h"
#include "pkg/async/random.h"
#include "pkg/http/http.h"
#include "pkg/simulation/load.h"
#include "pkg/simulation/queueing.h"

namespace ottoscale::simulation {

struct WebAppOptions {
  absl::Duration service_time = absl::Milliseconds(80);  // of one request on an idle dyno, on average
  int workers = 1;                                       // requests that a dyno serves side by side
  int queue_limit = 400;                                 // requests that a dyno holds: 400 of 80 ms run into H12
  double noise = 0.05;                                   // response times vary by this fraction of themselves, seeded
  absl::Duration router_timeout = absl::Seconds(30);     // slower requests get 503 after it (H12)
  bool turn_away = false;  // the heartbeat, too, gets 503 with the chance of any request when queues are full (H11)
};

class SimulatedApp final : public http::Handler {
 public:
  // `dynos` says how many serve now, `open` whether the app is not in maintenance. Time 0 of `load` is now.
  SimulatedApp(async::Loop& loop, WebAppOptions options, LoadCurve load, std::function<int()> dynos,
               std::function<bool()> open);

  // The present: requests per second, and the mean response time without noise, at most the router's timeout.
  double RateNow() const;
  absl::Duration ResponseTimeNow() const;
  uint64_t requests() const { return requests_; }

  // GET or HEAD on any path: "Beat" after the response time. 503 with a page of the router: soon in maintenance (H80)
  // and without dynos (H14), after the router's timeout when it would take longer (H12). Other methods: 405.
  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  struct Plan {
    absl::Duration wait;
    http::Response response;
  };
  Plan PlanFor(const http::ServerRequest& request);

  async::Loop& loop_;
  WebAppOptions options_;
  LoadCurve load_;
  std::function<int()> dynos_;
  std::function<bool()> open_;
  async::BootTime start_;
  async::Random random_;
  uint64_t requests_ = 0;
};

}  // namespace ottoscale::simulation
