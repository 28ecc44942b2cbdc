#include "pkg/kube/line_splitter.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"

namespace ottoscale::kube {

absl::Status LineSplitter::Feed(absl::string_view chunk) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_.append(Ssv(chunk));
  const size_t last_end = buffer_.rfind('\n');
  const size_t open = last_end == std::string::npos ? buffer_.size() : buffer_.size() - last_end - 1;
  if (open <= max_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("a line of the stream is longer than ", max_, " bytes"));
}

std::optional<std::string> LineSplitter::Take() {
  while (true) {
    const size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    std::string line = buffer_.substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) return line;
  }
}

async::Task<absl::StatusOr<std::optional<std::string>>> LineReader::Pull() {
  if (body_.source != nullptr) co_return co_await body_.source->Next();
  std::string text = std::exchange(body_.text, {});
  if (text.empty()) co_return std::nullopt;
  co_return std::move(text);
}

async::Task<absl::StatusOr<std::optional<std::string>>> LineReader::Next() {
  while (true) {
    if (std::optional<std::string> line = lines_.Take()) co_return std::move(line);
    absl::StatusOr<std::optional<std::string>> chunk = co_await Pull();
    if (!chunk.ok()) co_return chunk.status();
    if (!chunk->has_value()) {
      if (lines_.AtLineEnd()) co_return std::nullopt;
      co_return absl::DataLossError("the stream ended within a line");
    }
    CO_RETURN_IF_ERROR(lines_.Feed(**chunk));
  }
}

}  // namespace ottoscale::kube
