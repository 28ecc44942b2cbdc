// Builds a tree from parser events, within limits. Used by the YAML and the JSON reader; not by anybody else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "pkg/codec/problem.h"

namespace ottoscale::codec {

// What a subtree costs when it is copied.
struct Weight {
  size_t nodes = 0;
  size_t text_bytes = 0;
};

class TreeBuilder {
 public:
  struct Limits {
    int max_depth = 64;
    size_t max_nodes = 100'000;
    size_t max_text_bytes = size_t{8} << 20;
    bool positions = true;
  };
  TreeBuilder(const Limits& limits, std::vector<Problem>& problems) : limits_(limits), problems_(problems) {}

  // Events in the order of the text. False: a limit is reached and reported, nothing more is taken.
  bool Start(nlohmann::json::value_t type, Position at);  // object or array
  bool Key(std::string key, Position at);                 // inside an object, before its value
  bool Add(nlohmann::json value, Weight weight, Position at);
  // Closes what was started last. Returns it, valid until the next event, or null after a limit.
  const nlohmann::json* End();

  // A mistake at the value that comes next, or at the given place.
  void Report(Position at, std::string message);
  void ReportAtKey(Position at, absl::string_view key, std::string message);
  void ReportAtParent(Position at, std::string message);  // of the object whose key is wrong

  bool full() const { return full_; }
  bool inside() const { return !frames_.empty(); }
  // The weight of everything so far; the difference around a subtree is the subtree's.
  Weight weight() const { return weight_; }
  // The whole tree, when there was one.
  std::optional<nlohmann::json> TakeRoot() { return std::move(root_); }
  Positions TakePositions() { return std::move(positions_); }

 private:
  struct Frame {
    nlohmann::json value;
    std::string key;  // of the member that comes next
    Position key_at;
    bool duplicate = false;  // the member that comes next is read and dropped
  };
  bool Charge(Weight weight, Position at);
  bool Stop(Position at, std::string message);
  Path Next() const;    // where the next value goes
  Path Parent() const;  // the object or list around it
  const nlohmann::json* Attach(nlohmann::json value);
  void Record(Position at);

  const Limits limits_;
  std::vector<Problem>& problems_;
  std::vector<Frame> frames_;
  std::optional<nlohmann::json> root_;
  Positions positions_;
  Weight weight_;
  bool full_ = false;
};

}  // namespace ottoscale::codec
