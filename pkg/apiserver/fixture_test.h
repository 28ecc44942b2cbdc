// A server in process, spoken to as over the wire.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/apiserver/api_server.h"
#include "pkg/apiserver/memory_store.h"
#include "pkg/async/scope.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/base/status.h"
#include "pkg/http/loopback.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

struct Answered {
  int status = 0;
  nlohmann::json body;  // discarded when the body is no JSON
  std::string text;
  std::string Text(std::initializer_list<absl::string_view> path) const { return kubeapi::TextAt(body, path); }
};

inline async::Task<Answered> CallTask(http::Transport& transport, http::Request request) {
  absl::StatusOr<http::Response> response = co_await transport.Send(std::move(request), async::BootTime::Infinite());
  CHECK(response.ok(), "the loopback has no network");
  Answered answered{.status = response->status};
  const absl::StatusOr<std::string> text = co_await http::ReadAll(std::move(response->body), size_t{16} << 20);
  if (text.ok()) answered.text = *text;
  answered.body = nlohmann::json::parse(answered.text, nullptr, /*allow_exceptions=*/false);
  co_return answered;
}

// Everything that a watch says until it ends or is cancelled.
struct Watched {
  int status = 0;
  std::vector<nlohmann::json> events;
  size_t chunks = 0;
  bool ended = false;  // the server closed the stream
  absl::Status broken;

  // "ADDED web", "BOOKMARK 7", "ERROR 410".
  std::vector<std::string> Summary() const {
    std::vector<std::string> out;
    for (const nlohmann::json& event : events) {
      const std::string type = kubeapi::TextAt(event, {"type"});
      std::string what = kubeapi::TextAt(event, {"object", "metadata", "name"});
      if (type == "BOOKMARK") what = kubeapi::TextAt(event, {"object", "metadata", "resourceVersion"});
      if (type == "ERROR") what = absl::StrCat(kubeapi::IntegerAt(event, {"object", "code"}).value_or(0));
      out.push_back(absl::StrCat(type, " ", what));
    }
    return out;
  }
};

inline async::Task<void> WatchTask(http::Transport& transport, http::Request request, Watched& out) {
  absl::StatusOr<http::Response> response = co_await transport.Send(std::move(request), async::BootTime::Infinite());
  if (!response.ok()) {
    out.broken = response.status();
    co_return;
  }
  out.status = response->status;
  while (true) {
    const absl::StatusOr<std::optional<std::string>> chunk = co_await response->body.source->Next();
    if (!chunk.ok()) out.broken = chunk.status();
    if (!chunk.ok()) co_return;
    if (!chunk->has_value()) break;
    ++out.chunks;
    for (const absl::string_view line : absl::StrSplit(**chunk, '\n', absl::SkipEmpty())) {
      out.events.push_back(nlohmann::json::parse(line.begin(), line.end()));
    }
  }
  out.ended = true;
}

class Api {
 public:
  explicit Api(ApiServerOptions options = {}, size_t history = 1000, uint64_t seed = 1)
      : loop(seed), store(history), server(loop, store, std::move(options)), transport(loop, server), scope(loop) {}

  static http::Request RequestFor(absl::string_view method, absl::string_view path, std::string body = "",
                                  absl::string_view type = "application/json") {
    http::Request request{.method = std::string(method), .url = absl::StrCat("http://api", path)};
    request.headers.Add("User-Agent", "tester/1.0");
    request.max_body_bytes = size_t{16} << 20;
    if (!body.empty()) request.headers.Add("Content-Type", type);
    request.body = std::move(body);
    return request;
  }

  Answered Call(absl::string_view method, absl::string_view path, std::string body = "",
                absl::string_view type = "application/json") {
    return loop.Run(CallTask(transport, RequestFor(method, path, std::move(body), type)));
  }
  Answered Get(absl::string_view path) { return Call("GET", path); }
  Answered Merge(absl::string_view path, std::string body) {
    return Call("PATCH", path, std::move(body), "application/merge-patch+json");
  }
  Answered Apply(absl::string_view path, absl::string_view manager, std::string body, absl::string_view more = "") {
    return Call("PATCH", absl::StrCat(path, "?fieldManager=", manager, more), std::move(body),
                "application/apply-patch+yaml");
  }
  void Watch(absl::string_view path, Watched& out, absl::Duration idle = absl::Hours(10)) {
    http::Request request = RequestFor("GET", path);
    request.streaming = true;
    request.idle_timeout = idle;
    scope.Spawn(WatchTask(transport, std::move(request), out));
    loop.RunReady();
  }

  async::SimulatedLoop loop;
  MemoryStore store;
  ApiServer server;
  http::Loopback transport;
  async::Scope scope;
};

inline constexpr char kPolicies[] = "/apis/ottoscale.dev/v1alpha1/namespaces/shop/scalingpolicies";
inline constexpr char kWeb[] = "/apis/ottoscale.dev/v1alpha1/namespaces/shop/scalingpolicies/web";

inline std::string Policy(absl::string_view name, int max = 5, absl::string_view metadata = "") {
  return absl::StrCat(R"({"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": ")",
                      name, R"(")", metadata, R"(}, "spec": {"maxCapacity": )", max, "}}");
}

}  // namespace ottoscale::apiserver
