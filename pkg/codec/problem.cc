#include "pkg/codec/problem.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "pkg/base/text.h"

namespace ottoscale::codec {
namespace {

constexpr size_t kMaxPointerBytes = size_t{16} << 20;
constexpr size_t kMaxKeyShown = 64;

bool IsPlainKey(absl::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyShown && std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

}  // namespace

std::string FormatProblem(const Problem& problem) {
  return problem.path.empty() ? problem.message : absl::StrCat(problem.path, ": ", problem.message);
}

std::string FormatProblem(absl::string_view file, const Problem& problem) {
  std::string out(file);
  if (problem.line > 0) absl::StrAppend(&out, ":", problem.line, ":", problem.column);
  return absl::StrCat(out, out.empty() ? "" : ": ", FormatProblem(problem));
}

Path Path::Key(absl::string_view key) const {
  Path out = {.text = text,
              .pointer = absl::StrCat(pointer, "/", absl::StrReplaceAll(key, {{"~", "~0"}, {"/", "~1"}}))};
  if (IsPlainKey(key)) {
    absl::StrAppend(&out.text, text.empty() ? "" : ".", key);
  } else {
    absl::StrAppend(&out.text, "[\"", Truncate(Printable(key), kMaxKeyShown), "\"]");
  }
  return out;
}

Path Path::Index(size_t index) const {
  return {.text = absl::StrCat(text, "[", index, "]"), .pointer = absl::StrCat(pointer, "/", index)};
}

void Positions::Set(const std::string& pointer, Position key, Position value) {
  if (bytes_ + pointer.size() > kMaxPointerBytes) return;
  bytes_ += pointer.size();
  entries_[pointer] = {.key = key, .value = value};
}

const Positions::Entry* Positions::Nearest(absl::string_view pointer) const {
  while (true) {
    const auto it = entries_.find(Ssv(pointer));
    if (it != entries_.end()) return &it->second;
    const size_t slash = pointer.rfind('/');
    if (slash == absl::string_view::npos) return nullptr;
    pointer = pointer.substr(0, slash);
  }
}

Position Positions::ValueOf(absl::string_view pointer) const {
  const Entry* entry = Nearest(pointer);
  return entry == nullptr ? Position{} : entry->value;
}

Position Positions::KeyOf(absl::string_view pointer) const {
  const Entry* entry = Nearest(pointer);
  if (entry == nullptr) return {};
  return entry->key.line > 0 ? entry->key : entry->value;
}

}  // namespace ottoscale::codec
