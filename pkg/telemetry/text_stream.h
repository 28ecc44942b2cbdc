// One scrape: the whole exposition as slices that are pulled one at a time, so that ten thousand policies neither stall
// the loop nor stand in memory at once.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pkg/telemetry/metrics.h"

namespace ottoscale::telemetry {

class TextStream {
 public:
  // The registry outlives the stream. Stored values are those of the first Next().
  explicit TextStream(Registry& registry, size_t slice_bytes = size_t{64} << 10);
  TextStream(TextStream&&) noexcept;
  ~TextStream();

  // The next slice, never empty, ending with a whole line, about `slice_bytes` long (more by at most one object's
  // samples); nullopt at the end.
  std::optional<std::string> Next();

 private:
  struct Cursor;
  std::unique_ptr<Cursor> cursor_;
};

// The whole exposition in one piece: for tests and for people.
std::string ExpositionText(Registry& registry);

}  // namespace ottoscale::telemetry
