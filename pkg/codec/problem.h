// What is wrong with a document, and where. Made by the parsers and decoders; printed by `ottoscale validate`, put into
// conditions by the operator and into the answers of the embedded API server.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace ottoscale::codec {

struct Position {
  int line = 0;    // from 1, of the file and not of the document; 0: unknown
  int column = 0;  // from 1, in bytes
  bool operator==(const Position&) const = default;
};

// One mistake. `message` says what is allowed and what was found: "must be an integer from 1 to 5, found 7".
struct Problem {
  int line = 0;
  int column = 0;
  std::string path;  // "spec.metrics[0].strategy.threshold.lower"; "" is the whole document
  std::string message;
  bool operator==(const Problem&) const = default;
};

// `spec.minCapacity: must be ...`, or the message alone without a path.
std::string FormatProblem(const Problem& problem);
// `file:line:column: spec.minCapacity: must be ...`; what is unknown is left out.
std::string FormatProblem(absl::string_view file, const Problem& problem);

// A value, and everything that is wrong with it. No problems: `value` is set. Problems: `value`, where it is set, is
// the readable part and only good for finding further mistakes.
template <typename T>
struct Decoded {
  std::optional<T> value;
  std::vector<Problem> problems;
  bool ok() const { return value.has_value() && problems.empty(); }
};

// The place of a value in a tree, in the two spellings: for people and for lookup.
struct Path {
  std::string text;     // spec.metrics[0]
  std::string pointer;  // /spec/metrics/0 (RFC 6901)
  Path Key(absl::string_view key) const;
  Path Index(size_t index) const;
  bool operator==(const Path&) const = default;
};

// Where the keys and values of a tree stood in its text. What was not recorded (the inside of an alias; a tree without
// text) answers with its nearest recorded ancestor, at last with {0, 0}.
class Positions {
 public:
  void Set(const std::string& pointer, Position key, Position value);
  // Where the value starts.
  Position ValueOf(absl::string_view pointer) const;
  // Where the key of the value starts; for an element of a list, or the root, the value.
  Position KeyOf(absl::string_view pointer) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Position key;
    Position value;
  };
  const Entry* Nearest(absl::string_view pointer) const;
  std::map<std::string, Entry, std::less<>> entries_;
  size_t bytes_ = 0;  // of the pointers; bounded, since deep long keys make them quadratic
};

}  // namespace ottoscale::codec
