// What every transport checks before a byte leaves: one place, so that all of them refuse the same requests.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "pkg/http/http.h"

namespace ottoscale::http {

// A token of RFC 9110: what a method and a header name may consist of.
bool IsToken(absl::string_view text);
// Only bytes 0x20-0x7E: what may be sent as the value of a header.
bool IsFieldValue(absl::string_view text);
// Not empty and only bytes 0x21-0x7E: what may be sent as a credential.
bool IsCredential(absl::string_view text);
// The same letters, ignoring case: as names of headers compare.
bool SameName(absl::string_view a, absl::string_view b);

// OK, or a failure kInvalidRequest: a method or header that is malformed, a header that belongs to the transport (Host,
// Content-Length, Accept-Encoding, Connection, ...), an Authorization that did not come as `credential`, a credential
// with a byte that would end the header. Values of headers are never part of the message.
absl::Status CheckRequest(const Request& request);

}  // namespace ottoscale::http
