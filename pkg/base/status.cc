#include "pkg/base/status.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace ottoscale {

absl::Status Annotate(absl::string_view what, const absl::Status& status) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), absl::StrCat(what, ": ", status.message()));
  status.ForEachPayload(
      [&annotated](absl::string_view url, const absl::Cord& payload) { annotated.SetPayload(url, payload); });
  return annotated;
}

bool IsTransient(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsDeadlineExceeded(status) || absl::IsUnavailable(status);
}

}  // namespace ottoscale
