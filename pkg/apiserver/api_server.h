// The embedded Kubernetes API server: a Handler over a Store. It answers what our own client calls and what a person
// with kubectl expects: discovery, OpenAPI v3, list, get, tables, create, replace, the three patches, delete, /status,
// watch. Custom kinds have the schema of their CustomResourceDefinition, where they were made from one (crd.h), and are
// checked by the injected validator, which stands for CEL rules. There is no admission. Errors are Status objects.
//
// Each request but a watch is answered within one turn of the loop, so requests happen one after the other. Time, uids
// and generated names come from the loop: under SimulatedLoop the same requests give the same answers, byte for byte.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "pkg/apiserver/served.h"
#include "pkg/apiserver/store.h"
#include "pkg/apiserver/target.h"
#include "pkg/apiserver/writes.h"
#include "pkg/async/loop.h"
#include "pkg/http/http.h"

namespace ottoscale::apiserver {

struct ApiServerOptions {
  std::vector<Served> served = DefaultServed();
  Validator validator;  // null: every object of a custom kind is good
  // False: 403. Null: everybody may do everything, as behind a loopback address. Not asked for /healthz and /readyz.
  std::function<bool(const http::ServerRequest&)> authorize;
  absl::Duration bookmark_interval = absl::Seconds(60);
  // An Event is forgotten this long after its last write (looked at when the next one is written).
  absl::Duration event_lifetime = absl::Hours(1);
  std::string version = "v1.33.0+ottoscale";
};

class ApiServer final : public http::Handler {
 public:
  // Both are borrowed and outlive the server; the server outlives its answers and their bodies.
  ApiServer(async::Loop& loop, Store& store, ApiServerOptions options = {});

  async::Task<http::Response> Handle(http::ServerRequest request) override;

 private:
  struct ShortLived {
    async::BootTime until;
    kubeapi::ObjectKey key;
    int64_t revision;
  };

  absl::StatusOr<http::Response> Answer(const http::ServerRequest& request);
  absl::StatusOr<http::Response> Serve(const http::ServerRequest& request, const Target& target);
  absl::StatusOr<http::Response> Read(const http::ServerRequest& request, const Target& target, const Options& options);
  absl::StatusOr<http::Response> ReadTable(const http::ServerRequest& request, const Target& target,
                                           const Options& options);
  absl::StatusOr<http::Response> ReadCoreEvents(const http::ServerRequest& request, const std::string& ns);
  absl::StatusOr<Written> Write(const http::ServerRequest& request, const WriteRequest& write, bool collection);
  absl::StatusOr<Written> Patch(const http::ServerRequest& request, const WriteRequest& write);
  absl::StatusOr<http::Response> Delete(const http::ServerRequest& request, const WriteRequest& write, bool pretty);
  void ForgetOldEvents();
  void RememberEvent(const Target& target, const Written& written);

  async::Loop& loop_;
  Store& store_;
  const ApiServerOptions options_;
  Writes writes_;
  std::deque<ShortLived> events_;  // by `until`; an Event stands here once for each of its writes
};

}  // namespace ottoscale::apiserver
