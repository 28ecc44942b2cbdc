// The second line of defence for secrets (the first is the type Secret): replaces every known secret value in text that
// is about to leave the process, whether it stands there as it is, in base64 (anywhere inside a longer encoded text),
// in hexadecimal, percent-encoded, or escaped for JSON. Used by each sink: log, events, status, notifications.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "pkg/base/secret.h"

namespace ottoscale::telemetry {

class Scrubber {
 public:
  // Shorter values are not scrubbed: they would turn up in innocent text.
  static constexpr size_t kShortest = 8;

  // From now on the value (and the same without the white space around it) is replaced. It stays known after a
  // rotation: old values leak too. False when it is too short to be scrubbed. Adding it twice changes nothing.
  bool Add(const Secret& secret);

  // A copy of `text` with each form of each secret replaced by "[redacted]". Linear in the text, whatever the number of
  // secrets.
  std::string Scrub(absl::string_view text) const;

  size_t forms() const { return forms_; }

 private:
  void AddForm(std::string form);
  size_t LengthAt(absl::string_view text, size_t i) const;

  // By their first 8 bytes; the longest of them first.
  std::map<uint64_t, std::vector<Secret>> by_start_;
  size_t forms_ = 0;
};

}  // namespace ottoscale::telemetry
