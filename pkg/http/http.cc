#include "pkg/http/http.h"

#include <algorithm>
#include <array>

#include "absl/strings/cord.h"
#include "pkg/http/check_request.h"

namespace ottoscale::http {
namespace {

// One row per kind, in the order of the enumeration.
struct KindRow {
  Failure kind;
  absl::StatusCode code;
};
constexpr std::array<KindRow, 11> kKinds = {{
    {Failure::kInvalidRequest, absl::StatusCode::kInvalidArgument},
    {Failure::kResolve, absl::StatusCode::kUnavailable},
    {Failure::kAddressDenied, absl::StatusCode::kPermissionDenied},
    {Failure::kConnect, absl::StatusCode::kUnavailable},
    {Failure::kTls, absl::StatusCode::kFailedPrecondition},
    {Failure::kTimeout, absl::StatusCode::kDeadlineExceeded},
    {Failure::kCancelled, absl::StatusCode::kCancelled},
    {Failure::kDisconnected, absl::StatusCode::kUnavailable},
    {Failure::kProtocol, absl::StatusCode::kDataLoss},
    {Failure::kBodyTooLarge, absl::StatusCode::kResourceExhausted},
    {Failure::kLocalLimit, absl::StatusCode::kUnavailable},
}};

constexpr char kPayload[] = "ottoscale/http-failure";  // two bytes: the row's number as a letter, '1' when maybe sent

}  // namespace

void Headers::Add(absl::string_view name, absl::string_view value) {
  list_.push_back({std::string(name), std::string(value)});
}

void Headers::Set(absl::string_view name, absl::string_view value) {
  std::erase_if(list_, [name](const Header& header) { return SameName(header.name, name); });
  Add(name, value);
}

std::optional<std::string> Headers::Get(absl::string_view name) const {
  for (const Header& header : list_) {
    if (SameName(header.name, name)) return header.value;
  }
  return std::nullopt;
}

absl::Status MakeFailure(FailureDetail detail, absl::string_view message) {
  const auto row = static_cast<size_t>(detail.kind);
  absl::Status status(kKinds.at(row).code, message);
  const std::string payload = {static_cast<char>('a' + row), detail.maybe_sent ? '1' : '0'};
  status.SetPayload(kPayload, absl::Cord(payload));
  return status;
}

FailureDetail FailureOf(const absl::Status& status) {
  if (const absl::optional<absl::Cord> payload = status.GetPayload(kPayload); payload.has_value()) {
    const std::string text(*payload);
    const size_t row = text.empty() ? kKinds.size() : static_cast<size_t>(text[0] - 'a');
    if (text.size() == 2 && row < kKinds.size()) return {kKinds[row].kind, text[1] == '1'};
  }
  if (absl::IsDeadlineExceeded(status)) return {Failure::kTimeout, true};
  if (absl::IsCancelled(status)) return {Failure::kCancelled, true};
  return {Failure::kProtocol, true};
}

}  // namespace ottoscale::http
