// Counts what passes through a transport, as a decorator around any of them: how many requests by method and status,
// and how long until the response headers. The numbers are plain; whoever exports them reads them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "pkg/async/loop.h"
#include "pkg/http/http.h"

namespace ottoscale::http {

class CountingTransport final : public Transport {
 public:
  struct Key {
    std::string method;
    std::string code;  // "200"; "error" when no answer came
    auto operator<=>(const Key&) const = default;
  };
  using OnDone = std::function<void(const Key& key, absl::Duration took)>;
  // `loop` and `inner` outlive it; `on_done` is told of each request, and may be null.
  CountingTransport(async::Loop& loop, Transport& inner, OnDone on_done)
      : loop_(loop), inner_(inner), on_done_(std::move(on_done)) {}

  async::Task<absl::StatusOr<Response>> Send(Request request, async::BootTime deadline) override;

  const std::map<Key, uint64_t>& requests() const { return requests_; }

 private:
  async::Loop& loop_;
  Transport& inner_;
  OnDone on_done_;
  std::map<Key, uint64_t> requests_;
};

}  // namespace ottoscale::http
