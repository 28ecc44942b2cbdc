#include "pkg/http/body.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace ottoscale::http {
namespace {

class CutBody final : public BodySource {
 public:
  CutBody(std::string text, absl::Status end) : text_(std::move(text)), end_(std::move(end)) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (text_.empty()) co_return end_;
    co_return std::exchange(text_, {});
  }

 private:
  std::string text_;
  absl::Status end_;
};

}  // namespace

Body BodyThatEnds(std::string text, absl::Status end) {
  if (end.ok()) return Body(std::move(text));
  return Body(std::make_unique<CutBody>(std::move(text), std::move(end)));
}

absl::Status FailureOfContext(const absl::Status& status, bool maybe_sent) {
  if (absl::IsDeadlineExceeded(status)) return MakeFailure({Failure::kTimeout, maybe_sent}, status.message());
  if (absl::IsCancelled(status)) return MakeFailure({Failure::kCancelled, maybe_sent}, status.message());
  return status;
}

absl::Status StillWanted(const async::Context& context) {
  if (context.cancelled()) return FailureOfContext(context.status(), false);
  if (context.deadline() > context.loop().Now().boot) return absl::OkStatus();
  return MakeFailure({Failure::kTimeout, false}, "the deadline had passed before the request");
}

absl::Status TooLarge(size_t max_bytes) {
  return MakeFailure({Failure::kBodyTooLarge, true}, absl::StrCat("the body is larger than ", max_bytes, " bytes"));
}

async::Task<absl::StatusOr<std::string>> ReadAll(Body body, size_t max_bytes) {
  if (body.source == nullptr) {
    if (body.text.size() > max_bytes) co_return TooLarge(max_bytes);
    co_return std::move(body.text);
  }
  std::string text;
  while (true) {
    absl::StatusOr<std::optional<std::string>> chunk = co_await body.source->Next();
    if (!chunk.ok()) co_return chunk.status();
    if (!chunk->has_value()) co_return text;
    if ((*chunk)->size() > max_bytes - text.size()) co_return TooLarge(max_bytes);
    text += **chunk;
  }
}

}  // namespace ottoscale::http
