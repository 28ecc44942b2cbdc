#include "operator/status_handler.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/telemetry/exposition.h"
#include "pkg/telemetry/text_stream.h"

namespace ottoscale::operator_main {
namespace {

class MetricsBody final : public http::BodySource {
 public:
  explicit MetricsBody(telemetry::Registry& registry) : stream_(registry) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (!first_) CO_RETURN_IF_ERROR(co_await async::Yield());
    first_ = false;
    co_return stream_.Next();
  }

 private:
  telemetry::TextStream stream_;
  bool first_ = true;
};

http::Response Text(int status, std::string text) {
  http::Response response{.status = status, .body = http::Body(std::move(text))};
  response.headers.Set("Content-Type", "text/plain; charset=utf-8");
  return response;
}

}  // namespace

// GET says it, PUT with the name of a level as the body sets it: for whoever is on the machine or forwards a port to it
// (kubectl port-forward), and nobody else.
http::Response StatusHandler::LogLevel(const http::ServerRequest& request) {
  if (request.method == "GET") return Text(200, absl::StrCat(telemetry::Name(log_.level()), "\n"));
  if (request.method != "PUT") return Text(405, "only GET and PUT\n");
  const bool local = request.peer.empty() || request.peer == "::1" || absl::StartsWith(request.peer, "127.");
  if (!local) return Text(403, "the log level is set from this machine only: use kubectl port-forward\n");
  const std::string name(absl::StripAsciiWhitespace(request.body));
  const auto level = telemetry::ParseLevel(name);
  if (!level) return Text(400, absl::StrCat("found '", Printable(name), "', expected debug, info, warn or error\n"));
  log_.SetLevel(*level);
  log_.Named("log").Info("log level changed", {{"level", name}});
  return Text(200, absl::StrCat(name, "\n"));
}

async::Task<http::Response> StatusHandler::Handle(http::ServerRequest request) {
  if (request.path == "/log-level") co_return LogLevel(request);
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response response = Text(405, "only GET and HEAD\n");
    response.headers.Set("Allow", "GET, HEAD");
    co_return response;
  }
  if (request.path == "/metrics") {
    http::Response response{.body = http::Body(std::make_unique<MetricsBody>(registry_))};
    response.headers.Set("Content-Type", telemetry::kExpositionContentType);
    co_return response;
  }
  if (request.path == "/healthz") co_return Text(200, "ok\n");
  if (request.path == "/readyz") {
    const std::string missing = not_ready_();
    co_return missing.empty() ? Text(200, "ok\n") : Text(503, absl::StrCat("not ready: ", missing, "\n"));
  }
  if (request.path == "/") co_return Text(200, "Ottoscale: /metrics /healthz /readyz /log-level\n");
  co_return Text(404, "not found; there is /metrics, /healthz, /readyz and /log-level\n");
}

}  // namespace ottoscale::operator_main
