// The base64 of Secrets: the standard alphabet, padded (RFC 4648, section 4); line breaks are skipped when reading.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ottoscale::kubeapi {

std::string EncodeBase64(absl::string_view bytes);
// InvalidArgument, without the text in the message: it may be secret.
absl::StatusOr<std::string> DecodeBase64(absl::string_view text);

}  // namespace ottoscale::kubeapi
