#include "pkg/codec/tree_builder.h"

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"

namespace ottoscale::codec {
namespace {

constexpr size_t kMaxKeyBytes = 1024;

}  // namespace

bool TreeBuilder::Start(nlohmann::json::value_t type, Position at) {
  if (!Charge({.nodes = 1}, at)) return false;
  if (frames_.size() >= static_cast<size_t>(limits_.max_depth)) {
    return Stop(at, absl::StrCat("is nested deeper than ", limits_.max_depth, " levels, which is the most allowed"));
  }
  Record(at);
  frames_.push_back({.value = nlohmann::json(type), .key = "", .key_at = {}});
  return true;
}

bool TreeBuilder::Key(std::string key, Position at) {
  if (!Charge({.text_bytes = key.size()}, at)) return false;
  Frame& frame = frames_.back();
  if (key.size() > kMaxKeyBytes) {
    return Stop(at, absl::StrCat("has a key of ", key.size(), " bytes, the most allowed is ", kMaxKeyBytes));
  }
  frame.duplicate = frame.value.contains(key);
  if (frame.duplicate) ReportAtKey(at, key, "is given twice in one object, must be given once");
  frame.key = std::move(key);
  frame.key_at = at;
  return true;
}

bool TreeBuilder::Add(nlohmann::json value, Weight weight, Position at) {
  if (!Charge(weight, at)) return false;
  Record(at);
  Attach(std::move(value));
  return true;
}

const nlohmann::json* TreeBuilder::End() {
  if (full_) return nullptr;
  nlohmann::json value = std::move(frames_.back().value);
  frames_.pop_back();
  return Attach(std::move(value));
}

const nlohmann::json* TreeBuilder::Attach(nlohmann::json value) {
  if (frames_.empty()) return &root_.emplace(std::move(value));
  Frame& frame = frames_.back();
  if (frame.value.is_array()) {
    frame.value.push_back(std::move(value));
    return &frame.value.back();
  }
  if (frame.duplicate) return nullptr;
  return &(frame.value[frame.key] = std::move(value));
}

void TreeBuilder::Record(Position at) {
  if (!limits_.positions) return;
  if (!frames_.empty() && frames_.back().duplicate) return;
  const Position key = frames_.empty() || frames_.back().value.is_array() ? Position{} : frames_.back().key_at;
  positions_.Set(Next().pointer, key, at);
}

Path TreeBuilder::Parent() const {
  Path path;
  for (size_t i = 0; i + 1 < frames_.size(); ++i) {
    const Frame& frame = frames_[i];
    path = frame.value.is_array() ? path.Index(frame.value.size()) : path.Key(frame.key);
  }
  return path;
}

Path TreeBuilder::Next() const {
  if (frames_.empty()) return {};
  const Frame& frame = frames_.back();
  return frame.value.is_array() ? Parent().Index(frame.value.size()) : Parent().Key(frame.key);
}

void TreeBuilder::Report(Position at, std::string message) {
  problems_.push_back({.line = at.line, .column = at.column, .path = Next().text, .message = std::move(message)});
}

void TreeBuilder::ReportAtKey(Position at, absl::string_view key, std::string message) {
  problems_.push_back(
      {.line = at.line, .column = at.column, .path = Parent().Key(key).text, .message = std::move(message)});
}

void TreeBuilder::ReportAtParent(Position at, std::string message) {
  problems_.push_back({.line = at.line, .column = at.column, .path = Parent().text, .message = std::move(message)});
}

bool TreeBuilder::Charge(Weight weight, Position at) {
  if (full_) return false;
  weight_.nodes += weight.nodes;
  weight_.text_bytes += weight.text_bytes;
  if (weight_.nodes > limits_.max_nodes) {
    return Stop(at, absl::StrCat("has more than ", limits_.max_nodes,
                                 " values with every alias written out, which is the most allowed"));
  }
  if (weight_.text_bytes > limits_.max_text_bytes) {
    return Stop(at, absl::StrCat("has more than ", limits_.max_text_bytes,
                                 " bytes of text with every alias written out, which is the most allowed"));
  }
  return true;
}

bool TreeBuilder::Stop(Position at, std::string message) {
  full_ = true;
  problems_.push_back({.line = at.line, .column = at.column, .path = "", .message = std::move(message)});
  return false;
}

}  // namespace ottoscale::codec
