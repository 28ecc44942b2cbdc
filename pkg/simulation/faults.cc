#include "pkg/simulation/faults.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/deadline.h"
#include "pkg/async/sleep.h"
#include "pkg/http/body.h"

namespace ottoscale::simulation {
namespace {

struct Page {
  int status;
  const char* content_type;
  const char* text;
};

// What stands in front of servers says such things.
constexpr std::array<Page, 5> kErrorPages = {{
    {500, "text/plain", "Internal Server Error"},
    {502, "text/html", "<html><head><title>502 Bad Gateway</title></head></html>"},
    {503, "text/html", "<!DOCTYPE html><html><head><title>Application error</title></head></html>"},
    {503, "application/json", R"({"id":"service_unavailable","message":"Service unavailable."})"},
    {504, "text/plain", ""},
}};
constexpr Page kTooMany = {429, "application/json", R"({"id":"rate_limit","message":"slow down"})"};
constexpr Page kPortal = {200, "text/html", "<html>a portal</html>"};

http::Response AsResponse(const Page& page) {
  http::Response response{.status = page.status, .body = http::Body(std::string(page.text))};
  response.headers.Set("Content-Type", page.content_type);
  return response;
}

absl::Status Broken(bool maybe_sent) {
  return http::MakeFailure({maybe_sent ? http::Failure::kDisconnected : http::Failure::kConnect, maybe_sent},
                           maybe_sent ? "the connection broke" : "no connection");
}

bool Writes(const http::Request& request) { return request.method != "GET" && request.method != "HEAD"; }

struct BodyFault {
  absl::Duration late;            // before each chunk
  std::optional<uint64_t> whole;  // so many chunks, and half of the next
};

// A pulled body that breaks when the wire is cut, or as its fault says.
class WiredBody final : public http::BodySource {
 public:
  WiredBody(http::Body inner, Wire& wire, BodyFault fault) : inner_(std::move(inner)), wire_(wire), fault_(fault) {}

  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (wire_.cut() || broken_) co_return Broken(true);
    if (fault_.late > absl::ZeroDuration()) {
      if (absl::Status waited = co_await async::Sleep(fault_.late); !waited.ok()) co_return waited;
    }
    auto chunk = co_await inner_.source->Next();
    if (wire_.cut()) co_return Broken(true);
    if (!fault_.whole || !chunk.ok() || !chunk->has_value()) co_return chunk;
    broken_ = (*fault_.whole)-- == 0;
    if (!broken_) co_return chunk;
    std::string half = (*chunk)->substr(0, (*chunk)->size() / 2);
    if (half.empty()) co_return Broken(true);
    co_return std::move(half);
  }

 private:
  http::Body inner_;
  Wire& wire_;
  BodyFault fault_;
  bool broken_ = false;
};

}  // namespace

FaultRates Quiet() { return {.latency_min = absl::ZeroDuration(), .latency_max = absl::ZeroDuration()}; }

FaultRates DrawRates(async::Random& random, double most) {
  FaultRates rates;
  const std::array<double*, 9> faults = {&rates.slow,         &rates.lost_request,   &rates.lost_answer,
                                         &rates.server_error, &rates.error_after,    &rates.rate_limited,
                                         &rates.garbage,      &rates.truncated_body, &rates.slow_body};
  double left = 1;
  for (double* rate : faults) {
    if (random.Chance(0.5)) *rate = std::min(left, most * random.Unit());
    left -= *rate;
  }
  rates.silent = random.Unit();
  return rates;
}

bool Wire::Effect(const std::string& what, bool writes) {
  if (cut_ || (writes_only_ && !writes)) return !cut_;
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
  const std::array<std::pair<Fault, double>, 9> table = {{{Fault::kSlow, rates_.slow},
                                                          {Fault::kLostRequest, rates_.lost_request},
                                                          {Fault::kLostAnswer, rates_.lost_answer},
                                                          {Fault::kServerError, rates_.server_error},
                                                          {Fault::kErrorAfter, rates_.error_after},
                                                          {Fault::kRateLimited, rates_.rate_limited},
                                                          {Fault::kGarbage, rates_.garbage},
                                                          {Fault::kTruncatedBody, rates_.truncated_body},
                                                          {Fault::kSlowBody, rates_.slow_body}}};
  double drawn = loop_.random().Unit();
  for (const auto& [fault, rate] : table) {
    if (drawn < rate) return fault;
    drawn -= rate;
  }
  return Fault::kNone;
}

async::Task<absl::StatusOr<http::Response>> FaultyTransport::Send(http::Request request, async::BootTime deadline) {
  auto call = async::WithDeadline(deadline, Deliver(std::move(request), deadline));
  co_return co_await std::move(call);
}

async::Task<absl::StatusOr<http::Response>> FaultyTransport::Deliver(http::Request request, async::BootTime deadline) {
  if (wire_.cut()) co_return Broken(false);
  const Fault fault = Draw();
  absl::Duration latency = rates_.latency_min + (rates_.latency_max - rates_.latency_min) * loop_.random().Unit();
  if (fault == Fault::kSlow) {
    ++injected_["slow"];
    latency += rates_.slowest * loop_.random().Unit();
  }
  if (absl::Status waited = co_await async::Sleep(latency); !waited.ok()) {
    co_return http::FailureOfContext(waited, false);
  }
  if (!wire_.Effect(absl::StrCat("send ", name_, " ", request.method, " ", request.url), Writes(request))) {
    co_return Broken(false);
  }
  switch (fault) {
    case Fault::kNone:
    case Fault::kSlow:
    case Fault::kLostAnswer:
    case Fault::kErrorAfter:
    case Fault::kTruncatedBody:
    case Fault::kSlowBody: break;
    case Fault::kLostRequest: ++injected_["lost request"]; co_return co_await Lose(rates_.loss_noticed);
    case Fault::kServerError:
    case Fault::kRateLimited:
    case Fault::kGarbage: co_return InFront(fault);
  }
  co_return co_await Forward(std::move(request), deadline, fault);
}

// The server sees the request; something may happen to its answer.
async::Task<absl::StatusOr<http::Response>> FaultyTransport::Forward(http::Request request, async::BootTime deadline,
                                                                     Fault fault) {
  const bool writes = Writes(request);
  const std::string what =
      absl::StrCat("answer ", name_, " ", request.method, " ", request.url, writes ? " (write)" : "");
  absl::StatusOr<http::Response> response = co_await inner_.Send(std::move(request), deadline);
  // The way back is an effect of its own: a crash between the two leaves a write that nobody knows of.
  if (!wire_.Effect(what, writes)) co_return Broken(true);
  if (!response.ok()) co_return response;
  if (fault == Fault::kLostAnswer) {
    ++injected_["lost answer"];
    co_return co_await Lose(absl::ZeroDuration());
  }
  if (fault == Fault::kErrorAfter) {
    ++injected_["error after"];
    co_return AsResponse(kErrorPages[loop_.random().Below(kErrorPages.size())]);
  }
  co_return co_await SpoilBody(*std::move(response), fault);
}

async::Task<absl::StatusOr<http::Response>> FaultyTransport::Lose(absl::Duration noticed) {
  const async::Context& context = co_await async::CurrentContext();
  const bool silent = loop_.random().Chance(rates_.silent) && context.deadline() != async::BootTime::Infinite();
  const absl::Duration until = silent ? absl::InfiniteDuration() : noticed;
  if (absl::Status waited = co_await async::Sleep(until); !waited.ok()) {
    co_return http::FailureOfContext(waited, true);
  }
  co_return Broken(true);
}

async::Task<absl::StatusOr<http::Response>> FaultyTransport::SpoilBody(http::Response response, Fault fault) {
  const bool truncated = fault == Fault::kTruncatedBody;
  const bool slow = fault == Fault::kSlowBody;
  if (truncated) ++injected_["truncated body"];
  if (slow) ++injected_["slow body"];
  const absl::Duration late = slow ? rates_.slowest * loop_.random().Unit() : absl::ZeroDuration();
  if (response.body.source != nullptr) {
    BodyFault how{.late = late};
    if (truncated) how.whole = loop_.random().Below(5);
    response.body = http::Body(std::make_unique<WiredBody>(std::move(response.body), wire_, how));
    co_return response;
  }
  if (!truncated && !slow) co_return response;
  std::string half = response.body.text.substr(0, response.body.text.size() / 2);
  absl::Status end = Broken(true);
  if (slow) end = http::FailureOfContext(co_await async::Sleep(late), true);
  response.times.total += late;
  if (!end.ok()) response.body = http::BodyThatEnds(std::move(half), std::move(end));
  co_return response;
}

// Somebody on the way answers; the server does not see the request.
http::Response FaultyTransport::InFront(Fault fault) {
  if (fault == Fault::kGarbage) {
    ++injected_["garbage"];
    return AsResponse(kPortal);
  }
  if (fault == Fault::kServerError) {
    ++injected_["5xx"];
    return AsResponse(kErrorPages[loop_.random().Below(kErrorPages.size())]);
  }
  ++injected_["429"];
  http::Response response = AsResponse(kTooMany);
  if (loop_.random().Chance(0.5)) response.headers.Set("Retry-After", "1");  // Heroku promises none
  return response;
}

}  // namespace ottoscale::simulation
