// Strict decoding of objects that people write: every mistake is reported, with its place, and decoding goes on.
//
//   Report report(&document.positions);
//   ObjectReader spec(document.value, {}, report);
//   policy.poll_period = absl::Seconds(spec.Int("pollPeriodSeconds", {5, 3600}).value_or(30));
//   spec.Require("maxCapacity", "nobody scales without a ceiling");
//   spec.Finish();   // refuses every key that nobody asked for
//
// Each getter makes its key known. null counts as absent. A getter returns nullopt when the field is absent and also
// when it is wrong; then the problem has been reported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "pkg/codec/problem.h"

namespace ottoscale::codec {

// Collects problems; at most kMaxProblems of them.
class Report {
 public:
  static constexpr size_t kMaxProblems = 100;
  // `positions` may be null (a tree that never was text) and is borrowed.
  explicit Report(const Positions* positions) : positions_(positions) {}

  void Add(const Path& path, std::string message);       // at the value
  void AddAtKey(const Path& path, std::string message);  // at the key: unknown and missing fields
  void Add(Problem problem);
  // A problem that another decoder found in the subtree at `base`; its own path is relative and without a place.
  void AddBelow(const Path& base, absl::string_view relative, std::string message);

  size_t size() const { return problems_.size(); }
  // By place in the text; equal places in the order found.
  std::vector<Problem> Take() { return std::move(problems_); }

 private:
  const Positions* positions_;
  std::vector<Problem> problems_;
};

struct Range {
  int64_t min = 0;
  int64_t max = 0;  // inclusive
};

template <typename E>
struct Choice {
  const char* name;
  E value;
};

class ObjectReader {
 public:
  struct Item {
    const nlohmann::json* value;
    Path path;
  };

  // Reports when `value` is not an object, and then reads as empty, without missing fields. Borrows `value` and
  // `report`.
  ObjectReader(const nlohmann::json& value, Path path, Report& report);

  // False for a reader of an absent member, or of something that is no object.
  bool present() const { return object_ != nullptr; }
  const Path& path() const { return path_; }
  Report& report() const { return *report_; }

  // The raw member, nullptr when absent.
  const nlohmann::json* Find(absl::string_view key);
  bool Has(absl::string_view key) { return Find(key) != nullptr; }
  // Makes keys known without reading them.
  void Allow(std::initializer_list<absl::string_view> keys);
  // Reports an absent member (when Finish is called): "is required: <why>". `why` may be empty.
  void Require(absl::string_view key, absl::string_view why = "");

  std::optional<int64_t> Int64(absl::string_view key, Range range);
  // `range` within int.
  std::optional<int> Int(absl::string_view key, Range range);
  std::optional<bool> Bool(absl::string_view key);
  // Lengths in characters of UTF-8.
  std::optional<std::string> String(absl::string_view key, Range length);
  // A plain decimal, as Kubernetes' int-or-string: 200, "37.5". Fractions are strings. No sign but '-', no exponent, no
  // suffix: "1000m" would be a Kubernetes Quantity and mean 1. A string has at most 12 digits on either side of the
  // point.
  std::optional<double> Decimal(absl::string_view key, double min, double max);
  template <typename E>
  std::optional<E> Enum(absl::string_view key, const std::vector<Choice<E>>& choices) {
    std::vector<std::string> names;
    for (const Choice<E>& choice : choices) names.emplace_back(choice.name);
    const std::optional<size_t> index = OneOf(key, names);
    if (!index) return std::nullopt;
    return choices[*index].value;
  }
  // The index of the member's text in `names`.
  std::optional<size_t> OneOf(absl::string_view key, const std::vector<std::string>& names);

  // Reads an absent member as not present, without a word.
  ObjectReader Object(absl::string_view key);
  // Empty when absent.
  std::vector<Item> List(absl::string_view key, Range items);
  std::optional<std::vector<std::string>> Strings(absl::string_view key, Range items, Range length);

  // Reports at the member's value.
  void Refuse(absl::string_view key, std::string message);
  // Reports at the key of this object itself.
  void RefuseHere(std::string message);

  // Reports unknown keys, with "did you mean", and what was required and absent. Call it last. A misspelt required
  // field is one mistake, not two.
  void Finish();

 private:
  struct Missing {
    std::string key;
    std::string why;
  };
  ObjectReader(Path path, Report& report) : path_(std::move(path)), report_(&report) {}

  const nlohmann::json* object_ = nullptr;
  Path path_;
  Report* report_;
  std::vector<std::string> known_;
  std::vector<Missing> missing_;
};

}  // namespace ottoscale::codec
