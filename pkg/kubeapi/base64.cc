#include "pkg/kubeapi/base64.h"

#include "absl/strings/escaping.h"

namespace ottoscale::kubeapi {

std::string EncodeBase64(absl::string_view bytes) { return absl::Base64Escape(bytes); }

absl::StatusOr<std::string> DecodeBase64(absl::string_view text) {
  std::string packed;
  packed.reserve(text.size());
  for (const char c : text) {
    if (c != '\r' && c != '\n') packed.push_back(c);
  }
  std::string bytes;
  // Encoding again tells what the library forgives: missing padding, dots for padding, spaces, stray last bits.
  if (!absl::Base64Unescape(packed, &bytes) || absl::Base64Escape(bytes) != packed) {
    return absl::InvalidArgumentError("not valid base64");
  }
  return bytes;
}

}  // namespace ottoscale::kubeapi
