// Lines out of a stream of chunks: what a watch answers is one JSON document a line, and a chunk may end anywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "pkg/async/task.h"
#include "pkg/http/http.h"

namespace ottoscale::kube {

constexpr size_t kMaxLineBytes = size_t{16} << 20;

// Pure. Feed chunks, take lines.
class LineSplitter {
 public:
  explicit LineSplitter(size_t max_line_bytes = kMaxLineBytes) : max_(max_line_bytes) {}

  // ResourceExhausted, for good, when a line is longer than the cap.
  absl::Status Feed(absl::string_view chunk);
  // The next complete line without its end ("\n" or "\r\n"); empty lines are skipped; nullopt: feed more.
  std::optional<std::string> Take();
  // True when the stream may end here: nothing of a line is left over.
  bool AtLineEnd() const { return begin_ == buffer_.size(); }

 private:
  size_t max_;
  std::string buffer_;
  size_t begin_ = 0;    // of the first line that was not taken
  size_t scanned_ = 0;  // no line end in [begin_, scanned_)
};

// The lines of a body that is pulled.
class LineReader {
 public:
  explicit LineReader(http::Body body, size_t max_line_bytes = kMaxLineBytes)
      : body_(std::move(body)), lines_(max_line_bytes) {}

  // nullopt at the end. A body that ends within a line is DataLoss. The reader outlives the call.
  async::Task<absl::StatusOr<std::optional<std::string>>> Next();

 private:
  async::Task<absl::StatusOr<std::optional<std::string>>> Pull();
  http::Body body_;
  LineSplitter lines_;
};

}  // namespace ottoscale::kube
