// The shapes that our kinds share: checked strings, references, unions. Internal to pkg/manifest.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "pkg/codec/object_reader.h"
#include "pkg/manifest/rules.h"
#include "pkg/policy/policy.h"

namespace ottoscale::manifest {

using codec::ObjectReader;
using codec::Report;

// A string that keeps to `rule`.
std::optional<std::string> Checked(ObjectReader& object, absl::string_view key, Rule rule);

// accountRef, channelRef: {name}, required. "" after a mistake.
std::string ReadRef(ObjectReader& object, absl::string_view key);
// {name, key}. Absent: `required` decides whether that is a mistake.
policy::SecretKeyRef ReadSecretRef(ObjectReader& object, absl::string_view key, bool required);

// A whole number of seconds.
std::optional<absl::Duration> ReadSeconds(ObjectReader& object, absl::string_view key, codec::Range range);

// One alternative of a union: `type` names it, `member` holds its fields ("" has none). Not `supported`: the API has
// it, this version does not.
struct Alternative {
  const char* type;
  const char* member;
  bool supported = true;
};

// Reads `type`, and checks that exactly the member which it names is there. Returns the alternative when it is
// supported and its member is there; else the mistake has been reported.
std::optional<Alternative> ReadUnion(ObjectReader& object, const std::vector<Alternative>& alternatives);

// A word of which the API has more than this version: only the first of `choices` is supported; it is also the default.
// Returns whether it is what holds.
bool OnlyFirst(ObjectReader& object, absl::string_view key, const std::vector<std::string>& choices);

}  // namespace ottoscale::manifest
