#include "pkg/telemetry/repeat_filter.h"

namespace ottoscale::telemetry {

RepeatFilter::Verdict RepeatFilter::Check(const std::string& identity, async::BootTime now) {
  uint64_t suppressed = 0;
  if (const auto found = known_.find(identity); found != known_.end()) {
    Known& known = found->second;
    if (now - known.written < window_) {
      ++known.suppressed;
      return {.write = false};
    }
    suppressed = known.suppressed;
    const auto [first, last] = by_age_.equal_range(known.written);
    for (auto entry = first; entry != last; ++entry) {
      if (entry->second != identity) continue;
      by_age_.erase(entry);
      break;
    }
  }
  Remember(identity, now);
  return {.write = true, .suppressed = suppressed};
}

void RepeatFilter::Remember(const std::string& identity, async::BootTime now) {
  known_[identity] = {.written = now};
  by_age_.emplace(now, identity);
  if (known_.size() <= max_known_) return;
  known_.erase(by_age_.begin()->second);
  by_age_.erase(by_age_.begin());
}

}  // namespace ottoscale::telemetry
