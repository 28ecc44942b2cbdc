#include "test/simulation/network.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/async/sleep.h"

namespace ottoscale::world {
namespace {

// Longer than anybody waits.
constexpr absl::Duration kNoAnswer = absl::Minutes(10);

http::Response GaveUp() { return {.status = 504, .body = http::Body(std::string("nobody answers"))}; }

}  // namespace

async::Task<http::Response> Internet::Handle(http::ServerRequest request) {
  const std::string name = request.path.substr(1, request.path.find('/', 1) - 1);
  const async::BootTime start = loop_.Now().boot;
  observer_.asked(name);
  if (hanging_.contains(name)) {
    (void)co_await async::Sleep(kNoAnswer);
    co_return GaveUp();
  }
  http::Response response = co_await apps_.at(name)->Handle(std::move(request));
  observer_.answered(name, loop_.Now().boot - start, response.status);
  co_return response;
}

async::Task<http::Response> FrontDoor::Handle(http::ServerRequest request) {
  const std::string authorization = request.headers.Get("Authorization").value_or("");
  for (const std::string& key : hanging_) {
    if (!absl::EndsWith(authorization, key)) continue;
    (void)co_await async::Sleep(kNoAnswer);
    co_return GaveUp();
  }
  co_return co_await inner_.Handle(std::move(request));
}

class EventGate::Gated final : public http::BodySource {
 public:
  Gated(http::Body inner, const EventGate& gate) : inner_(std::move(inner)), gate_(gate) {}

  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    while (true) {
      auto chunk = co_await inner_.source->Next();
      if (!chunk.ok() || !chunk->has_value()) co_return chunk;
      if (!gate_.loses_ && !lost_) co_return chunk;
      if (!gate_.loses_) co_return std::nullopt;
      lost_ = true;
    }
  }

 private:
  http::Body inner_;
  const EventGate& gate_;
  bool lost_ = false;
};

async::Task<absl::StatusOr<http::Response>> EventGate::Send(http::Request request, async::BootTime deadline) {
  auto response = co_await inner_.Send(std::move(request), deadline);
  if (response.ok() && response->body.source != nullptr) {
    response->body = http::Body(std::make_unique<Gated>(std::move(response->body), *this));
  }
  co_return response;
}

}  // namespace ottoscale::world
