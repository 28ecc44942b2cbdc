#include "pkg/simulation/faults.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/deadline.h"
#include "pkg/async/sleep.h"

namespace ottoscale::simulation {
namespace {

http::Response Page(int status, std::string text) {
  http::Response response{.status = status, .body = http::Body(std::move(text))};
  response.headers.Set("Content-Type", "text/html");
  return response;
}

absl::Status Broken(bool maybe_sent) {
  return http::MakeFailure({maybe_sent ? http::Failure::kDisconnected : http::Failure::kConnect, maybe_sent},
                           maybe_sent ? "the connection broke" : "no connection");
}

bool Writes(const http::Request& request) { return request.method != "GET" && request.method != "HEAD"; }

// A pulled body that breaks when the wire is cut.
class WiredBody final : public http::BodySource {
 public:
  WiredBody(http::Body inner, Wire& wire) : inner_(std::move(inner)), wire_(wire) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (wire_.cut()) co_return Broken(true);
    auto chunk = co_await inner_.source->Next();
    if (wire_.cut()) co_return Broken(true);
    co_return chunk;
  }

 private:
  http::Body inner_;
  Wire& wire_;
};

}  // namespace

bool Wire::Effect(const std::string& what) {
  if (cut_) return false;
  ++effects_;
  if (observer_) observer_(effects_, what);
  if (effects_ == cut_at_) CutNow();
  return !cut_;
}

void Wire::CutNow() {
  if (cut_) return;
  cut_ = true;
  if (on_cut_) on_cut_();
}

FaultyTransport::Fault FaultyTransport::Draw() {
  const std::array<std::pair<Fault, double>, 7> table = {{{Fault::kSlow, rates_.slow},
                                                          {Fault::kLostRequest, rates_.lost_request},
                                                          {Fault::kLostAnswer, rates_.lost_answer},
                                                          {Fault::kServerError, rates_.server_error},
                                                          {Fault::kErrorAfter, rates_.error_after},
                                                          {Fault::kRateLimited, rates_.rate_limited},
                                                          {Fault::kGarbage, rates_.garbage}}};
  double drawn = loop_.random().Unit();
  for (const auto& [fault, rate] : table) {
    if (drawn < rate) return fault;
    drawn -= rate;
  }
  return Fault::kNone;
}

async::Task<absl::StatusOr<http::Response>> FaultyTransport::Send(http::Request request, async::BootTime deadline) {
  async::Context& context = co_await async::CurrentContext();
  auto call = async::WithDeadline(std::min(deadline, context.deadline()), Deliver(std::move(request), deadline));
  co_return co_await std::move(call);
}

async::Task<absl::StatusOr<http::Response>> FaultyTransport::Deliver(http::Request request, async::BootTime deadline) {
  if (wire_.cut()) co_return Broken(false);
  const Fault fault = Draw();
  absl::Duration latency =
      rates_.latency_min + (rates_.latency_max - rates_.latency_min) * loop_.random().Unit();
  if (fault == Fault::kSlow) {
    ++injected_["slow"];
    latency += rates_.slowest * loop_.random().Unit();
  }
  const std::string what = absl::StrCat(name_, " ", request.method, " ", request.url);
  const bool writes = Writes(request);
  if (absl::Status waited = co_await async::Sleep(latency); !waited.ok()) co_return waited;
  if (!wire_.Effect(absl::StrCat("send ", what))) co_return Broken(false);
  switch (fault) {
    case Fault::kNone:
    case Fault::kSlow:
    case Fault::kLostAnswer:
    case Fault::kErrorAfter:
      break;
    case Fault::kLostRequest: {
      ++injected_["lost request"];
      if (absl::Status waited = co_await async::Sleep(rates_.loss_noticed); !waited.ok()) co_return waited;
      co_return Broken(true);
    }
    case Fault::kServerError:
      ++injected_["5xx"];
      co_return Page(500 + static_cast<int>(loop_.random().Below(3)) + (loop_.random().Chance(0.3) ? 1 : 0), "<html>oops</html>");
    case Fault::kRateLimited: {
      ++injected_["429"];
      http::Response response = Page(429, "{\"id\":\"rate_limit\",\"message\":\"slow down\"}");
      response.headers.Set("Content-Type", "application/json");
      response.headers.Set("Retry-After", "1");
      co_return response;
    }
    case Fault::kGarbage:
      ++injected_["garbage"];
      co_return Page(200, "<html>a portal</html>");
  }
  auto response = co_await inner_.Send(std::move(request), deadline);
  // The way back is an effect of its own: a crash between the two leaves a write that nobody knows of.
  if (!wire_.Effect(absl::StrCat("answer ", what, writes ? " (write)" : ""))) co_return Broken(true);
  if (fault == Fault::kLostAnswer) {
    ++injected_["lost answer"];
    co_return Broken(true);
  }
  if (fault == Fault::kErrorAfter) {
    ++injected_["error after"];
    co_return Page(500, "<html>oops</html>");
  }
  if (response.ok() && response->body.source != nullptr) {
    response->body = http::Body(std::make_unique<WiredBody>(std::move(response->body), wire_));
  }
  co_return response;
}

}  // namespace ottoscale::simulation
