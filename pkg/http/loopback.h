// A Transport that calls a Handler in process: for tests, the simulation and the embedded API server.
#pragma once

#include "pkg/async/loop.h"
#include "pkg/http/http.h"

namespace ottoscale::http {

class Loopback final : public Transport {
 public:
  // Both are borrowed and outlive the transport.
  Loopback(async::Loop& loop, Handler& handler) : loop_(loop), handler_(handler) {}
  async::Task<absl::StatusOr<Response>> Send(Request request, async::BootTime deadline) override;

 private:
  async::Loop& loop_;
  Handler& handler_;
};

}  // namespace ottoscale::http
