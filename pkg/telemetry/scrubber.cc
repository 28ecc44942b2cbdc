#include "pkg/telemetry/scrubber.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "pkg/telemetry/escape.h"

namespace ottoscale::telemetry {
namespace {

uint64_t Start(absl::string_view text, size_t i) {
  uint64_t start = 0;
  std::memcpy(&start, text.data() + i, sizeof start);
  return start;
}

// What stands for `value` inside the base64 of a text in which `before` bytes (modulo 3) precede it. The characters at
// both ends that also depend on the neighbouring bytes are left out.
std::string InsideBase64(absl::string_view value, size_t before) {
  const std::string padded = absl::StrCat(std::string(before, '\0'), value);
  const std::string encoded = absl::Base64Escape(padded);
  const size_t from = (before * 8 + 5) / 6;
  const size_t to = padded.size() * 8 / 6;
  return encoded.substr(from, to - from);
}

std::string PercentEncoded(absl::string_view value, bool upper) {
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else if (upper) {
      absl::StrAppendFormat(&out, "%%%02X", byte);
    } else {
      absl::StrAppendFormat(&out, "%%%02x", byte);
    }
  }
  return out;
}

}  // namespace

bool Scrubber::Add(const Secret& secret) {
  const absl::string_view value = absl::StripAsciiWhitespace(secret.Reveal());
  if (value.size() < kShortest) return false;
  AddForm(std::string(secret.Reveal()));
  AddForm(std::string(value));
  for (size_t before = 0; before < 3; ++before) {
    std::string inside = InsideBase64(value, before);
    AddForm(absl::StrReplaceAll(inside, {{"+", "-"}, {"/", "_"}}));  // the alphabet for URLs
    AddForm(std::move(inside));
  }
  std::string hex = absl::BytesToHexString(value);
  AddForm(absl::AsciiStrToUpper(hex));
  AddForm(std::move(hex));
  AddForm(PercentEncoded(value, true));
  AddForm(PercentEncoded(value, false));
  std::string escaped;
  AppendEscaped(value, escaped);
  AddForm(std::move(escaped));
  return true;
}

void Scrubber::AddForm(std::string form) {
  std::vector<Secret>& same_start = by_start_[Start(form, 0)];
  const Secret secret(std::move(form));
  if (std::find(same_start.begin(), same_start.end(), secret) != same_start.end()) return;
  const auto longer = [&](const Secret& known) { return known.Reveal().size() >= secret.Reveal().size(); };
  same_start.insert(std::find_if_not(same_start.begin(), same_start.end(), longer), secret);
  ++forms_;
}

size_t Scrubber::LengthAt(absl::string_view text, size_t i) const {
  const auto found = by_start_.find(Start(text, i));
  if (found == by_start_.end()) return 0;
  for (const Secret& form : found->second) {
    if (text.substr(i, form.Reveal().size()) == form.Reveal()) return form.Reveal().size();
  }
  return 0;
}

std::string Scrubber::Scrub(absl::string_view text) const {
  std::string out;
  size_t kept = 0;  // what stands before is in `out`
  for (size_t i = 0; !by_start_.empty() && i + kShortest <= text.size();) {
    const size_t length = LengthAt(text, i);
    if (length == 0) {
      ++i;
      continue;
    }
    absl::StrAppend(&out, text.substr(kept, i - kept), "[redacted]");
    i += length;
    kept = i;
  }
  absl::StrAppend(&out, text.substr(kept));
  return out;
}

}  // namespace ottoscale::telemetry
