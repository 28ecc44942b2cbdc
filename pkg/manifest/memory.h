// status.memory: what the last decision was made of, as text that only Ottoscale reads. Exact: times are nanoseconds
// before the decision, numbers are printed so that they read back the same.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "pkg/decision/status.h"

namespace ottoscale::manifest {

// "" when it would be longer than the API takes (crds/: 65,536 bytes): then nobody can ask again.
std::string EncodeMemory(const decision::Memory& memory);

// Never fails on what another version has written: what is absent or has another shape keeps its default, so whoever
// asks compares the answer with the decision that stands beside it. nullptr: no memory at all.
std::shared_ptr<const decision::Memory> DecodeMemory(absl::string_view text);

}  // namespace ottoscale::manifest
