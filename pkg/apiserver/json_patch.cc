#include "pkg/apiserver/json_patch.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "pkg/apiserver/body.h"
#include "pkg/apiserver/errors.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/kubeapi/object.h"

namespace ottoscale::apiserver {

using nlohmann::json;

namespace {

// Note [Bounds of a patch]
// Adding cannot make an object deeper than its path plus its value, nor larger than the body. Copying and moving can:
// each copy of the root may double the object. So the path is bounded, and after each of at most kMaxCopies copies the
// size is measured.
constexpr size_t kMaxOperations = 1000;
constexpr size_t kMaxCopies = 16;

using Pointer = std::vector<std::string>;

std::optional<Pointer> ParsePointer(absl::string_view text) {
  Pointer pointer;
  if (text.empty()) return pointer;
  if (text.front() != '/') return std::nullopt;
  for (const absl::string_view token : absl::StrSplit(text.substr(1), '/')) {
    pointer.push_back(absl::StrReplaceAll(token, {{"~1", "/"}, {"~0", "~"}}));
  }
  if (pointer.size() > static_cast<size_t>(kMaxDepth)) return std::nullopt;
  return pointer;
}

// An index of an existing element.
std::optional<size_t> Index(const json& list, const std::string& token) {
  uint32_t index = 0;
  if (!absl::SimpleAtoi(token, &index) || token != std::to_string(index) || index >= list.size()) return std::nullopt;
  return index;
}

json* Child(json& parent, const std::string& token) {
  if (parent.is_object()) {
    const auto found = parent.find(token);
    return found == parent.end() ? nullptr : &*found;
  }
  const std::optional<size_t> index = parent.is_array() ? Index(parent, token) : std::nullopt;
  return index ? &parent[*index] : nullptr;
}

json* Walk(json& root, Pointer::const_iterator first, Pointer::const_iterator last) {
  json* at = &root;
  for (; first != last && at != nullptr; ++first) at = Child(*at, *first);
  return at;
}

json* At(json& root, const Pointer& pointer) { return Walk(root, pointer.begin(), pointer.end()); }
// Of a pointer that is not the root.
json* ParentOf(json& root, const Pointer& pointer) { return Walk(root, pointer.begin(), pointer.end() - 1); }

// The operations say in words why they cannot be done; nullopt when they are.
using Why = std::optional<std::string>;

Why Add(json& root, const Pointer& pointer, json value) {
  if (pointer.empty()) {
    root = std::move(value);
    return std::nullopt;
  }
  json* parent = ParentOf(root, pointer);
  if (parent == nullptr) return "the parent of the path does not exist";
  const std::string& token = pointer.back();
  if (parent->is_object()) {
    (*parent)[token] = std::move(value);
    return std::nullopt;
  }
  if (!parent->is_array()) return "the parent of the path is neither an object nor a list";
  if (token == "-" || token == std::to_string(parent->size())) {
    parent->push_back(std::move(value));
    return std::nullopt;
  }
  const std::optional<size_t> index = Index(*parent, token);
  if (!index) return "the path has no such place in the list";
  parent->insert(parent->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return std::nullopt;
}

Why Remove(json& root, const Pointer& pointer) {
  if (pointer.empty()) return "the whole object cannot be removed";
  if (At(root, pointer) == nullptr) return "the path does not exist";
  json& parent = *ParentOf(root, pointer);
  if (parent.is_object()) {
    parent.erase(pointer.back());
  } else {
    parent.erase(*Index(parent, pointer.back()));
  }
  return std::nullopt;
}

Why CopyOrMove(json& root, const Pointer& from, const Pointer& to, bool move) {
  const json* source = At(root, from);
  if (source == nullptr) return "from does not exist";
  json value = *source;
  if (move) {
    if (from.size() <= to.size() && std::equal(from.begin(), from.end(), to.begin())) {
      return from == to ? Why() : "an object cannot be moved into itself";
    }
    if (Why why = Remove(root, from)) return why;
  }
  return Add(root, to, std::move(value));
}

Why Run(json& root, const json& operation) {
  const std::string op = kubeapi::TextAt(operation, {"op"});
  const std::optional<Pointer> path = ParsePointer(kubeapi::TextAt(operation, {"path"}));
  if (!path || !operation.contains("path")) return "path must be a JSON pointer like /spec/mode";
  if (op == "remove") return Remove(root, *path);
  if (op == "copy" || op == "move") {
    const std::optional<Pointer> from = ParsePointer(kubeapi::TextAt(operation, {"from"}));
    if (!from || !operation.contains("from")) return "from must be a JSON pointer like /spec/mode";
    return CopyOrMove(root, *from, *path, op == "move");
  }
  const json* value = kubeapi::Find(operation, "value");
  if (value == nullptr) return "value is missing";
  if (op == "add") return Add(root, *path, *value);
  json* target = At(root, *path);
  if (target == nullptr) return "the path does not exist";
  if (op == "test") return *target == *value ? Why() : "the test does not hold";
  *target = *value;
  return std::nullopt;
}

absl::Status CheckShape(const json& patch) {
  if (!patch.is_array()) return BadRequest("a json patch is a list of operations");
  if (patch.size() > kMaxOperations)
    return BadRequest(absl::StrCat("a json patch has at most ", kMaxOperations, " operations"));
  size_t copies = 0;
  for (const json& operation : patch) {
    const std::string op = kubeapi::TextAt(operation, {"op"});
    const bool copy = op == "copy" || op == "move";
    if (copy) ++copies;
    if (copy || op == "add" || op == "remove" || op == "replace" || op == "test") continue;
    return BadRequest("json patch: op must be add, remove, replace, move, copy or test");
  }
  if (copies > kMaxCopies)
    return BadRequest(absl::StrCat("a json patch copies or moves at most ", kMaxCopies, " times"));
  return absl::OkStatus();
}

absl::Status Failed(const json& operation, absl::string_view why) {
  const std::string path = Printable(Truncate(kubeapi::TextAt(operation, {"path"}), 100));
  return Refusal(kubeapi::ErrorReason::kInvalid,
                 absl::StrCat("the server rejected our request due to an error in our request: json patch: ",
                              kubeapi::TextAt(operation, {"op"}), " '", path, "': ", why));
}

}  // namespace

absl::StatusOr<json> ApplyJsonPatch(const json& object, const json& patch) {
  RETURN_IF_ERROR(CheckShape(patch));
  json result = object;
  for (const json& operation : patch) {
    if (const Why why = Run(result, operation)) return Failed(operation, *why);
    if (kubeapi::TextAt(operation, {"op"}) == "copy" && codec::Dump(result).size() > kMaxBodyBytes) {
      return Refusal(kubeapi::ErrorReason::kRequestEntityTooLarge, "json patch: the object becomes too large");
    }
  }
  if (!result.is_object()) return BadRequest("json patch: the result is no object");
  return result;
}

}  // namespace ottoscale::apiserver
