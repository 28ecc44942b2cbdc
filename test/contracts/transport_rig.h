// One transport of each profile, with a handler behind it: in process for Loopback, behind our own server for the
// others.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/async/signal.h"
#include "pkg/http/client.h"
#include "pkg/http/loopback.h"
#include "pkg/http/server.h"
#include "test/contracts/wire.h"

namespace ottoscale::contracts {

enum class Profile { kLoopback, kCloud, kProbe };
inline void PrintTo(Profile profile, std::ostream* out) {
  *out << (profile == Profile::kLoopback ? "Loopback" : profile == Profile::kCloud ? "Cloud" : "Probe");
}
struct ProfileName {
  std::string operator()(const testing::TestParamInfo<Profile>& info) const {
    return testing::PrintToString(info.param);
  }
};

// A source that counts what was pulled from it. `next` decides; a nullopt in `next` waits for ever.
class CountingSource final : public http::BodySource {
 public:
  using Make = std::function<std::optional<std::string>(size_t index)>;
  CountingSource(size_t& pulled, async::Signal& changed, Make next, size_t count)
      : pulled_(pulled), changed_(changed), next_(std::move(next)), count_(count) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    while (true) {
      if (pulled_ == count_) co_return std::nullopt;
      std::optional<std::string> chunk = next_(pulled_);
      if (chunk) {
        ++pulled_;
        co_return chunk;
      }
      const absl::Status waited = co_await changed_.Wait();
      if (!waited.ok()) co_return waited;
    }
  }

 private:
  size_t& pulled_;
  async::Signal& changed_;
  Make next_;
  size_t count_;
};

// Paths: /status/N, /size/N (whole), /chunks/N (N chunks of 1 KiB), /hang, /stall (a chunk, then silence), /feed (what
// the test puts into `fed`), /flood (64 KiB chunks without end), anything else echoes.
class ContractHandler final : public http::Handler {
 public:
  async::Task<http::Response> Handle(http::ServerRequest request) override {
    seen.push_back(request);
    arrived.Notify();
    absl::string_view rest = request.path;
    size_t number = 0;
    http::Response response;
    if (absl::ConsumePrefix(&rest, "/status/") && absl::SimpleAtoi(rest, &number)) {
      response.status = static_cast<int>(number);
      if (number >= 300 && number < 400) response.headers.Add("Location", location);
    } else if (absl::ConsumePrefix(&rest, "/size/") && absl::SimpleAtoi(rest, &number)) {
      response.body = std::string(number, 'x');
    } else if (absl::ConsumePrefix(&rest, "/chunks/") && absl::SimpleAtoi(rest, &number)) {
      response.body = Source([](size_t) { return std::string(1024, 'x'); }, number);
    } else if (rest == "/flood") {
      response.body = Source([](size_t) { return std::string(64 * 1024, 'x'); }, SIZE_MAX);
    } else if (rest == "/stall") {
      response.body = Source([](size_t i) { return i == 0 ? std::optional<std::string>("first") : std::nullopt; }, 2);
    } else if (rest == "/feed") {
      response.body =
          Source([this](size_t i) { return i < fed.size() ? std::optional(fed[i]) : std::nullopt; }, SIZE_MAX);
    } else if (rest == "/hang") {
      cancelled = co_await never.Wait();
      left.Notify();
    } else {
      response.headers.Add("X-Echo", request.headers.Get("X-Sent").value_or(""));
      response.body = absl::StrCat(request.method, " ", request.path, "?", request.query, " ", request.body);
    }
    co_return response;
  }

  std::vector<http::ServerRequest> seen;
  std::string location = "http://127.0.0.2/";
  std::vector<std::string> fed;
  size_t pulled = 0;
  absl::Status cancelled;
  async::Signal arrived;
  async::Signal more;
  async::Signal left;

 private:
  http::Body Source(CountingSource::Make make, size_t count) {
    pulled = 0;
    return http::Body(std::make_unique<CountingSource>(pulled, more, std::move(make), count));
  }
  async::Signal never;
};

// Names of the tests' own; unknown ones do not resolve, "hang..." blocks until Release().
class TestNames {
 public:
  void Set(const std::string& name, std::vector<std::string> addresses) { table_[name] = std::move(addresses); }
  void Release() {
    const std::lock_guard lock(latch_->mutex);
    latch_->open = true;
    latch_->changed.notify_all();
  }
  size_t Hanging() const {
    const std::lock_guard lock(latch_->mutex);
    return latch_->waiting;
  }
  http::Resolver AsResolver() const {
    return [table = table_, latch = latch_](const std::string& host) -> absl::StatusOr<std::vector<std::string>> {
      if (host.starts_with("hang")) latch->Wait();
      const auto found = table.find(host);
      if (found == table.end()) return absl::NotFoundError("no such name");
      return found->second;
    };
  }

 private:
  struct Latch {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    size_t waiting = 0;
    void Wait() {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.wait(lock, [this] { return open; });
    }
  };
  std::map<std::string, std::vector<std::string>> table_ = {{"app.test", {"127.0.0.1"}}};
  std::shared_ptr<Latch> latch_ = std::make_shared<Latch>();
};

class TransportRig : public testing::TestWithParam<Profile> {
 protected:
  void SetUp() override {
    auto server = http::Listen(loop_, handler_, {});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    MakeTransport();
  }
  void TearDown() override {
    transport_.reset();
    RunReal(loop_, server_->Stop(loop_.Now().boot));
    names_.Release();
  }
  void MakeTransport() {
    if (GetParam() == Profile::kLoopback) transport_ = std::make_unique<http::Loopback>(loop_, handler_);
    if (GetParam() == Profile::kCloud)
      // With one thread whatever waits on the library's pool hangs here.
      transport_ = http::MakeCloudTransport(loop_, pool_, {.threads = 1, .resolver = names_.AsResolver()});
    if (GetParam() != Profile::kProbe) return;
    auto probe = http::MakeProbeTransport(loop_, pool_,
                                          {.allow_cidrs = {"127.0.0.0/8", "::1/128"}, .resolver = names_.AsResolver()});
    ASSERT_TRUE(probe.ok()) << probe.status();
    transport_ = *std::move(probe);
  }
  bool cloud() const { return GetParam() == Profile::kCloud; }
  bool probe() const { return GetParam() == Profile::kProbe; }
  bool in_process() const { return GetParam() == Profile::kLoopback; }

  std::string Url(absl::string_view path) const { return UrlOf(server_->port(), path); }
  static std::string UrlOf(uint16_t port, absl::string_view path) {
    return absl::StrCat("http://127.0.0.1:", port, path);
  }
  async::BootTime In(absl::Duration d) { return loop_.Now().boot + d; }
  absl::StatusOr<http::Response> Send(http::Request request, absl::Duration limit = absl::Seconds(60)) {
    return RunReal(loop_, transport_->Send(std::move(request), In(limit)));
  }
  absl::StatusOr<http::Response> Get(std::string url) { return Send({.url = std::move(url)}); }
  absl::StatusOr<std::string> Read(http::Body body) { return RunReal(loop_, http::ReadAll(std::move(body), SIZE_MAX)); }
  // How a request ended: the failure of Send(), else that of the body, else nothing.
  std::optional<http::FailureDetail> FailureOf(absl::StatusOr<http::Response> response) {
    if (!response.ok()) return http::FailureOf(response.status());
    const absl::StatusOr<std::string> text = Read(std::move(response->body));
    if (text.ok()) return std::nullopt;
    return http::FailureOf(text.status());
  }

  async::AsioLoop loop_;
  async::BlockingPool pool_{128};
  ContractHandler handler_;
  TestNames names_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Transport> transport_;
};

inline http::FailureDetail Sent(http::Failure kind) { return {kind, true}; }
inline http::FailureDetail NotSent(http::Failure kind) { return {kind, false}; }

}  // namespace ottoscale::contracts

namespace ottoscale::http {
inline void PrintTo(const FailureDetail& detail, std::ostream* out) {
  *out << "failure " << static_cast<int>(detail.kind) << (detail.maybe_sent ? " maybe sent" : " not sent");
}
}  // namespace ottoscale::http
