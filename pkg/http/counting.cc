#include "pkg/http/counting.h"

#include "absl/strings/str_cat.h"

namespace ottoscale::http {

async::Task<absl::StatusOr<Response>> CountingTransport::Send(Request request, async::BootTime deadline) {
  const async::BootTime start = loop_.Now().boot;
  Key key{.method = request.method};
  auto response = co_await inner_.Send(std::move(request), deadline);
  key.code = response.ok() ? absl::StrCat(response->status) : "error";
  ++requests_[key];
  if (on_done_) on_done_(key, loop_.Now().boot - start);
  co_return response;
}

}  // namespace ottoscale::http
