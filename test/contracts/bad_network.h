// A network that refuses, delays, loses and cuts, as long as it is `faulty`: a decorator around any Transport.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/async/deadline.h"
#include "pkg/async/sleep.h"
#include "pkg/base/status.h"
#include "pkg/http/http.h"

namespace ottoscale::contracts {

// A stream whose connection breaks after a while.
class CutStream final : public http::BodySource {
 public:
  CutStream(async::Loop& loop, http::Body body, async::BootTime cut) : loop_(loop), body_(std::move(body)), cut_(cut) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    const async::Context& context = co_await async::CurrentContext();
    auto chunk = co_await async::WithDeadline(cut_, body_.source->Next());
    if (chunk.ok() || context.cancelled() || loop_.Now().boot < cut_) co_return chunk;
    co_return http::MakeFailure({http::Failure::kDisconnected, true}, "the connection broke");
  }

 private:
  async::Loop& loop_;
  http::Body body_;
  async::BootTime cut_;
};

class BadNetwork final : public http::Transport {
 public:
  // Each request is held up to `delay`, each stream lives up to `life`, in whole milliseconds.
  BadNetwork(async::Loop& loop, http::Transport& clean, absl::Duration delay, absl::Duration life)
      : loop_(loop), clean_(clean), delay_(delay), life_(life) {}

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override {
    const std::string line = absl::StrCat(request.method, " ", request.url);
    async::Random& random = loop_.random();
    if (faulty) CO_RETURN_IF_ERROR(co_await async::Sleep(UpTo(delay_)));
    if (faulty && random.Chance(0.15)) co_return Lose(line, http::Failure::kConnect, false);
    const bool streaming = request.streaming;
    absl::StatusOr<http::Response> response = co_await clean_.Send(std::move(request), deadline);
    if (faulty && random.Chance(0.15)) co_return Lose(line, http::Failure::kDisconnected, true);
    Note(line, response.ok() ? std::to_string(response->status) : std::string(response.status().message()));
    if (response.ok() && streaming && faulty) {
      const async::BootTime cut = loop_.Now().boot + UpTo(life_);
      if (response->body.source != nullptr) {
        response->body = http::Body(std::make_unique<CutStream>(loop_, std::move(response->body), cut));
      }
    }
    co_return response;
  }

  bool faulty = true;
  size_t lost = 0;  // requests and answers
  std::vector<std::string> trace;

 private:
  absl::Duration UpTo(absl::Duration most) {
    return absl::Milliseconds(
        static_cast<int64_t>(loop_.random().Below(static_cast<uint64_t>(absl::ToInt64Milliseconds(most)))));
  }
  absl::Status Lose(const std::string& line, http::Failure kind, bool maybe_sent) {
    ++lost;
    Note(line, maybe_sent ? "lost" : "refused");
    return http::MakeFailure({kind, maybe_sent}, "the network is bad");
  }
  void Note(const std::string& line, const std::string& what) {
    trace.push_back(absl::StrCat(absl::FormatDuration(loop_.Now().boot.since_boot), " ", line, " ", what));
  }
  async::Loop& loop_;
  http::Transport& clean_;
  const absl::Duration delay_;
  const absl::Duration life_;
};

}  // namespace ottoscale::contracts
