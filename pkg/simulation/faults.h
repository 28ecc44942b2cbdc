// What networks do to requests, drawn from the loop's seed: a Transport that delays, loses and breaks what passes
// through it. The caller cannot tell a request that was lost on its way from an answer that was lost on its way back;
// the two differ only in what the server did.
//
// It is also the place where crashes happen: every request and every answer is a numbered effect, and the Wire may be
// cut at one of them, for good, for this client: what was under way may have arrived, nothing comes back. A quiet phase
// is SetRates(Quiet()).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "pkg/async/loop.h"
#include "pkg/async/random.h"
#include "pkg/http/http.h"

namespace ottoscale::simulation {

// Probabilities per request, of which at most one fault is drawn.
struct FaultRates {
  double slow = 0;            // delayed by up to `slowest` before it is sent
  double lost_request = 0;    // the server never sees it; the client learns it after `loss_noticed`
  double lost_answer = 0;     // the server has acted; the client sees a broken connection
  double server_error = 0;    // 500, 502 or 503 in front of the server, which does not see the request
  double error_after = 0;     // the server has acted, and the answer is a 500
  double rate_limited = 0;    // 429 in front of the server
  double garbage = 0;         // 200 with a page that is no JSON, in front of the server
  double truncated_body = 0;  // the body breaks off in its middle (a streamed one after some chunks)
  double slow_body = 0;       // the body's second half (each chunk of a streamed one) comes up to `slowest` later
  double silent = 0;          // of the lost requests and answers, the share that is noticed at the deadline only
  absl::Duration latency_min = absl::Milliseconds(5);  // of every request
  absl::Duration latency_max = absl::Milliseconds(60);
  absl::Duration slowest = absl::Seconds(20);
  absl::Duration loss_noticed = absl::Seconds(8);
};

// No faults and no latency.
FaultRates Quiet();
// A swarm's member: each fault is off or has a rate up to `most`, drawn from `random`. Rates add up to 1 at most.
FaultRates DrawRates(async::Random& random, double most);

// Counts the effects of one client, and ends it at a chosen one. Shared by its transports.
class Wire {
 public:
  // Called with each effect's number (from 1) and what it is: "send PATCH https://..." or "answer 200".
  using Observer = std::function<void(uint64_t number, const std::string& what)>;
  explicit Wire(Observer observer = nullptr) : observer_(std::move(observer)) {}

  // Numbers only requests that write (all but GET and HEAD) and their answers; the wire can still be cut at those only.
  void CountWritesOnly() { writes_only_ = true; }

  // The wire is cut at effect `number`, just before it takes place; 0: never.
  void CutAt(uint64_t number) { cut_at_ = number; }
  void CutNow();
  bool cut() const { return cut_; }
  uint64_t effects() const { return effects_; }
  // Called once, in the moment of the cut.
  void OnCut(std::function<void()> callback) { on_cut_ = std::move(callback); }

  // Counts one effect. False: the wire is cut, it does not take place.
  bool Effect(const std::string& what, bool writes = true);

 private:
  Observer observer_;
  std::function<void()> on_cut_;
  uint64_t effects_ = 0;
  uint64_t cut_at_ = 0;
  bool cut_ = false;
  bool writes_only_ = false;
};

class FaultyTransport final : public http::Transport {
 public:
  // All borrowed; they outlive it and its calls.
  FaultyTransport(async::Loop& loop, http::Transport& inner, std::string name, Wire& wire)
      : loop_(loop), inner_(inner), name_(std::move(name)), wire_(wire) {}

  void SetRates(const FaultRates& rates) { rates_ = rates; }
  // How often each fault happened, by its words in this file: "lost answer", "slow body", "5xx", "429".
  const std::map<std::string, uint64_t>& injected() const { return injected_; }

  async::Task<absl::StatusOr<http::Response>> Send(http::Request request, async::BootTime deadline) override;

 private:
  enum class Fault {
    kNone,
    kSlow,
    kLostRequest,
    kLostAnswer,
    kServerError,
    kErrorAfter,
    kRateLimited,
    kGarbage,
    kTruncatedBody,
    kSlowBody
  };
  Fault Draw();
  async::Task<absl::StatusOr<http::Response>> Deliver(http::Request request, async::BootTime deadline);
  async::Task<absl::StatusOr<http::Response>> Forward(http::Request request, async::BootTime deadline, Fault fault);
  async::Task<absl::StatusOr<http::Response>> Lose(absl::Duration noticed);
  async::Task<absl::StatusOr<http::Response>> SpoilBody(http::Response response, Fault fault);
  http::Response InFront(Fault fault);

  async::Loop& loop_;
  http::Transport& inner_;
  std::string name_;
  Wire& wire_;
  FaultRates rates_;
  std::map<std::string, uint64_t> injected_;
};

}  // namespace ottoscale::simulation
