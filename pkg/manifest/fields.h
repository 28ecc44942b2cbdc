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
// supported and its member is there; else the mistake has been reported. Without `type` the union is wrong, unless it
// is `optional`: then the first alternative holds, which has no member.
std::optional<Alternative> ReadUnion(ObjectReader& object, const std::vector<Alternative>& alternatives,
                                     bool optional = false);

// A decimal as it was written, for messages.
std::string Plain(const nlohmann::json& value);

// The index of the member's text in `supported`; one of `unsupported`, which the API has and this version does not, is
// refused with that word.
std::optional<size_t> SupportedOf(ObjectReader& object, absl::string_view key,
                                  const std::vector<std::string>& supported,
                                  const std::vector<std::string>& unsupported);
template <typename E>
std::optional<E> ReadSupported(ObjectReader& object, absl::string_view key,
                               const std::vector<codec::Choice<E>>& supported,
                               const std::vector<std::string>& unsupported) {
  std::vector<std::string> names;
  for (const codec::Choice<E>& choice : supported) names.emplace_back(choice.name);
  const std::optional<size_t> index = SupportedOf(object, key, names, unsupported);
  if (!index) return std::nullopt;
  return supported[*index].value;
}

}  // namespace ottoscale::manifest
