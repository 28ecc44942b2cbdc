// A simulated web app: its heartbeat is as slow as a queue in front of its dynos would make it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pkg/async/loop.h"
#include "pkg/http/http.h"
#include "pkg/simulation/load.h"

namespace ottoscale::simulation {

struct WebAppOptions {
  absl::Duration service_time = absl::Milliseconds(80);  // of one request on an idle dyno
  double noise = 0.05;                                   // response times vary by this fraction, seeded
  absl::Duration router_timeout = absl::Seconds(30);     // then H12: 503
};

class SimulatedApp final : public http::Handler {
 public:
  // `dynos` says how many serve now, `open` whether the app is (not in maintenance).
  SimulatedApp(async::Loop& loop, WebAppOptions options, LoadCurve load, std::function<int()> dynos,
               std::function<bool()> open);

  // The mean response time of `rate` requests/s spread at random over `dynos`: each dyno is an M/M/1 queue with arrival
  // rate rate/dynos and service time s, whose mean time in the system is s / (1 - rho), rho = s * rate / dynos
  // (Kleinrock, Queueing Systems I, 3.2; the router balances at random). Overloaded or without dynos: infinite.
  static absl::Duration ResponseTime(absl::Duration service_time, double rate, int dynos);

  double RateNow() const;
  absl::Duration ResponseTimeNow() const;

  // GET on any path: "Beat" after the response time; 503 at once in maintenance or without dynos (H14, H80), and after
  // the router's timeout under overload (H12).
  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  async::Loop& loop_;
  WebAppOptions options_;
  LoadCurve load_;
  std::function<int()> dynos_;
  std::function<bool()> open_;
  async::BootTime start_;
};

}  // namespace ottoscale::simulation
