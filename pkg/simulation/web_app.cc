#include "pkg/simulation/web_app.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/sleep.h"

namespace ottoscale::simulation {
namespace {

constexpr absl::Duration kRouterAnswers = absl::Milliseconds(2);  // by itself, without a dyno

http::Response Text(int status, absl::string_view content_type, std::string text) {
  http::Response response{.status = status, .body = http::Body(std::move(text))};
  response.headers.Set("Content-Type", content_type);
  return response;
}

DynoModel DynoOf(const WebAppOptions& options) {
  return {.service_time = options.service_time, .workers = options.workers, .queue_limit = options.queue_limit};
}

// What Heroku's router answers in place of the app; people see the page, logs the code.
http::Response RouterError(absl::string_view code) {
  http::Response response = Text(503, "text/html; charset=utf-8",
                                 "<!DOCTYPE html><html><head><title>Application error</title></head></html>");
  response.headers.Set("X-Router-Error", code);
  return response;
}

}  // namespace

SimulatedApp::SimulatedApp(async::Loop& loop, WebAppOptions options, LoadCurve load, std::function<int()> dynos,
                           std::function<bool()> open)
    : loop_(loop),
      options_(options),
      load_(std::move(load)),
      dynos_(std::move(dynos)),
      open_(std::move(open)),
      start_(loop.Now().boot),
      random_(loop.random().Next()) {}

double SimulatedApp::RateNow() const { return load_(loop_.Now().boot - start_); }

absl::Duration SimulatedApp::ResponseTimeNow() const {
  return std::min(Queue(DynoOf(options_), RateNow(), dynos_()).response_time, options_.router_timeout);
}

SimulatedApp::Plan SimulatedApp::PlanFor(const http::ServerRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {kRouterAnswers, Text(405, "text/plain", "Method Not Allowed")};
  }
  if (!open_()) return {kRouterAnswers, RouterError("H80")};
  const int dynos = dynos_();
  if (dynos <= 0) return {kRouterAnswers, RouterError("H14")};
  const QueueAnswer queue = Queue(DynoOf(options_), RateNow(), dynos);
  if (options_.turn_away && random_.Chance(queue.turned_away)) return {kRouterAnswers, RouterError("H11")};
  const absl::Duration wait = random_.Jitter(queue.response_time, options_.noise);
  if (wait > options_.router_timeout) return {options_.router_timeout, RouterError("H12")};
  return {wait, Text(200, "text/plain", request.method == "HEAD" ? "" : "Beat")};
}

async::Task<http::Response> SimulatedApp::Handle(http::ServerRequest request) {
  ++requests_;
  Plan plan = PlanFor(request);
  (void)co_await async::Sleep(plan.wait);  // cut short only when the client has gone: nobody reads the answer then
  co_return std::move(plan.response);
}

}  // namespace ottoscale::simulation
