#include "pkg/http/loopback.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/async/deadline.h"
#include "pkg/base/status.h"
#include "pkg/http/body.h"
#include "pkg/http/check_request.h"

namespace ottoscale::http {
namespace {

// What the handler would see behind a server, in the order of the wire.
ServerRequest AsServed(Request request, const Url& url) {
  ServerRequest served{.method = std::move(request.method), .path = url.path, .query = url.query};
  served.headers.Add("Host", url.Authority());
  if (request.credential) {
    served.headers.Add("Authorization", absl::StrCat(request.credential_scheme, " ", request.credential->Reveal()));
  }
  for (const Header& header : request.headers.list()) served.headers.Add(header.name, header.value);
  if (!request.body.empty()) served.headers.Add("Content-Length", absl::StrCat(request.body.size()));
  served.body = std::move(request.body);
  return served;
}

// How a body of the handler failed, seen from the client: a broken source looks like a broken connection.
absl::Status FailureOfSource(const absl::Status& status, const async::Context& context) {
  if (context.cancelled() || absl::IsDeadlineExceeded(status)) return FailureOfContext(status, true);
  return MakeFailure({Failure::kDisconnected, true}, absl::StrCat("the body broke off: ", status.message()));
}

// A streamed answer: only the silence between two chunks is bounded.
class IdleBounded final : public BodySource {
 public:
  IdleBounded(Body body, absl::Duration idle) : body_(std::move(body)), idle_(idle) {}

  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (body_.source == nullptr) {
      std::string text = std::exchange(body_.text, {});
      if (text.empty()) co_return std::nullopt;
      co_return std::move(text);
    }
    const async::Context& context = co_await async::CurrentContext();
    absl::StatusOr<std::optional<std::string>> chunk = co_await async::WithTimeout(idle_, body_.source->Next());
    if (!chunk.ok()) co_return FailureOfSource(chunk.status(), context);
    co_return chunk;
  }

 private:
  Body body_;
  absl::Duration idle_;
};

struct Whole {
  std::string text;
  absl::Status end;
};

async::Task<Whole> ReadWhole(Body body, size_t max_bytes) {
  const async::Context& context = co_await async::CurrentContext();
  Whole whole{.text = std::move(body.text), .end = absl::OkStatus()};
  if (body.source != nullptr) whole.text.clear();
  while (body.source != nullptr && whole.text.size() <= max_bytes) {
    absl::StatusOr<std::optional<std::string>> chunk = co_await body.source->Next();
    if (!chunk.ok()) whole.end = FailureOfSource(chunk.status(), context);
    if (!chunk.ok() || !chunk->has_value()) break;
    whole.text += **chunk;
  }
  if (whole.text.size() > max_bytes) {
    whole.text.resize(max_bytes);
    whole.end = TooLarge(max_bytes);
  }
  co_return whole;
}

// The handler runs under the caller's context; it is cancelled at the deadline and then waited for.
async::Task<absl::StatusOr<Response>> Answer(Handler& handler, ServerRequest request) {
  async::Context& context = co_await async::CurrentContext();
  CO_RETURN_IF_ERROR(StillWanted(context));
  Response response = co_await handler.Handle(std::move(request));
  if (context.cancelled()) co_return FailureOfContext(context.status(), true);
  co_return std::move(response);
}

// The answer with its body read to the end, all under one deadline.
async::Task<absl::StatusOr<Response>> AnswerWhole(Handler& handler, ServerRequest request, size_t max_bytes) {
  const bool head = request.method == "HEAD";
  async::Loop& loop = (co_await async::CurrentContext()).loop();
  const async::BootTime start = loop.Now().boot;
  absl::StatusOr<Response> response = co_await Answer(handler, std::move(request));
  if (!response.ok()) co_return response.status();
  response->times.headers = loop.Now().boot - start;
  if (head) response->body = Body();
  Whole whole = co_await ReadWhole(std::move(response->body), max_bytes);
  response->body = BodyThatEnds(std::move(whole.text), std::move(whole.end));
  response->times.total = loop.Now().boot - start;
  co_return response;
}

}  // namespace

async::Task<absl::StatusOr<Response>> Loopback::Send(Request request, async::BootTime deadline) {
  CO_RETURN_IF_ERROR(CheckRequest(request));
  CO_ASSIGN_OR_RETURN(const Url url, ParseUrl(request.url));
  const bool streaming = request.streaming;
  const absl::Duration idle = request.idle_timeout;
  const size_t max_bytes = request.max_body_bytes;
  ServerRequest served = AsServed(std::move(request), url);
  if (!streaming) co_return co_await async::WithDeadline(deadline, AnswerWhole(handler_, std::move(served), max_bytes));

  const async::BootTime start = loop_.Now().boot;
  absl::StatusOr<Response> response = co_await async::WithDeadline(deadline, Answer(handler_, std::move(served)));
  if (!response.ok()) co_return response.status();
  response->times.headers = loop_.Now().boot - start;
  response->body = Body(std::make_unique<IdleBounded>(std::move(response->body), idle));
  co_return response;
}

}  // namespace ottoscale::http
