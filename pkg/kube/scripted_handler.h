// For the tests of this folder: a Kubernetes API that answers from a script and notes what it was asked.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "pkg/async/sleep.h"
#include "pkg/codec/json.h"
#include "pkg/http/http.h"
#include "pkg/kubeapi/api_error.h"

namespace ottoscale::kube {

// One answer: after `delay`, `status` with `body`; or a stream of `chunks`, one after the other, then `end` or silence.
struct Scripted {
  int status = 200;
  std::string body = "{}";
  std::vector<http::Header> headers;
  absl::Duration delay;
  std::vector<std::string> chunks;
  bool hang = false;  // the stream stays open after its chunks
  bool stream = false;
};

inline Scripted Fails(kubeapi::ErrorReason reason) {
  const kubeapi::ApiError error = kubeapi::MakeApiError(reason, "scripted");
  return {.status = error.code, .body = codec::Dump(kubeapi::ToJson(error))};
}

class ScriptedHandler final : public http::Handler {
 public:
  // Answers in this order, then with `after` for ever.
  std::deque<Scripted> script;
  Scripted after;
  std::function<Scripted(const http::ServerRequest&)> answer;  // instead of the script when it is set
  std::vector<http::ServerRequest> requests;

  // "GET /path?query" of each.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const http::ServerRequest& request : requests) {
      lines.push_back(absl::StrCat(request.method, " ", request.path, request.query.empty() ? "" : "?", request.query));
    }
    return lines;
  }

  async::Task<http::Response> Handle(http::ServerRequest request) override {
    requests.push_back(request);
    Scripted now = answer ? answer(request) : after;
    if (!answer && !script.empty()) {
      now = std::move(script.front());
      script.pop_front();
    }
    if (now.delay > absl::ZeroDuration()) (void)co_await async::Sleep(now.delay);
    http::Response response{.status = now.status};
    for (const http::Header& header : now.headers) response.headers.Add(header.name, header.value);
    if (now.stream) {
      response.body = http::Body(std::make_unique<Stream>(std::move(now.chunks), now.hang));
    } else {
      response.body = http::Body(std::move(now.body));
    }
    co_return response;
  }

 private:
  class Stream final : public http::BodySource {
   public:
    Stream(std::vector<std::string> chunks, bool hang) : chunks_(std::move(chunks)), hang_(hang) {}
    async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
      if (at_ < chunks_.size()) co_return chunks_[at_++];
      if (!hang_) co_return std::nullopt;
      co_return co_await async::Sleep(absl::InfiniteDuration());
    }

   private:
    std::vector<std::string> chunks_;
    size_t at_ = 0;
    bool hang_;
  };
};

}  // namespace ottoscale::kube
