#include "pkg/codec/yaml.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "pkg/base/text.h"
#include "pkg/codec/tree_builder.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/parser.h"

// Note [Events instead of nodes]
// yaml-cpp's Node API shares aliased nodes, keeps duplicate keys silently and loads an alias of its own parent, so that
// a walk over 480 bytes can take 10^10 steps. Its events say everything once: the tree is built from them, an alias
// copies the finished subtree and pays for it out of the same budget as everything else, and an alias of something
// unfinished is a cycle.
//
// Note [Numbers that readers disagree about]
// kubectl reads YAML 1.1: there 010 is 8 and 0o10 is text; in YAML 1.2 010 is 10 and 0o10 is 8. Neither is guessed.

namespace ottoscale::codec {
namespace {

constexpr char kTagPrefix[] = "tag:yaml.org,2002:";

// A scalar as JSON, or the sentence that says why not.
using Scalar = std::variant<nlohmann::json, std::string>;

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Scalar Integer(absl::string_view shown, absl::string_view digits, bool negative, int base) {
  uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  const bool fits =
      error == std::errc() && end == digits.data() + digits.size() && (!negative || magnitude <= uint64_t{1} << 63);
  if (!fits) {
    return absl::StrCat("must fit in 64 bits, found ", Truncate(shown, 64), ": quote it if it is meant as text");
  }
  if (negative) return nlohmann::json(static_cast<int64_t>(~magnitude + 1));
  return nlohmann::json(magnitude);
}

// Whether `text` is [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?, YAML 1.2 core's float.
bool IsFloat(absl::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const size_t exponent = text.find_first_of("eE");
  if (exponent != absl::string_view::npos) {
    absl::string_view power = text.substr(exponent + 1);
    if (!power.empty() && (power[0] == '-' || power[0] == '+')) power.remove_prefix(1);
    if (!AllDigits(power)) return false;
    text = text.substr(0, exponent);
  }
  const size_t dot = text.find('.');
  if (dot == absl::string_view::npos) return AllDigits(text);
  const absl::string_view before = text.substr(0, dot);
  const absl::string_view after = text.substr(dot + 1);
  if (before.empty()) return AllDigits(after);
  return AllDigits(before) && (after.empty() || AllDigits(after));
}

Scalar Float(absl::string_view text) {
  absl::string_view digits = text;
  if (digits[0] == '+') digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
    return absl::StrCat("must be a number that fits, found ", Truncate(text, 64), ": quote it if it is meant as text");
  }
  return nlohmann::json(value);
}

bool IsInfinityOrNan(absl::string_view text) {
  const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  const std::string lower = absl::AsciiStrToLower(sign ? text.substr(1) : text);
  return lower == ".inf" || (lower == ".nan" && !sign);
}

// What a plain scalar means in YAML 1.2 core.
Scalar Infer(absl::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return nlohmann::json(true);
  if (text == "false" || text == "False" || text == "FALSE") return nlohmann::json(false);
  if (IsInfinityOrNan(text)) return absl::StrCat("must be a finite number, found ", text);
  const bool negative = absl::StartsWith(text, "-");
  const absl::string_view digits = negative || absl::StartsWith(text, "+") ? text.substr(1) : text;
  if (AllDigits(digits)) {
    if (digits.size() > 1 && digits[0] == '0') {
      return absl::StrCat(
          "must not begin with 0, found ", Truncate(text, 64),
          ", which some readers take as octal: write it without the 0, or quote it if it is meant as text");
    }
    return Integer(text, digits, negative, 10);
  }
  if (absl::StartsWith(text, "0o") && AllDigits(text.substr(2))) {
    return absl::StrCat("must be a decimal number, found ", Truncate(text, 64),
                        ", which some readers take as octal and some as text: write it in decimal, or quote it");
  }
  const bool hexadecimal = absl::StartsWith(text, "0x") && text.size() > 2 &&
                           text.find_first_not_of("0123456789abcdefABCDEF", 2) == absl::string_view::npos;
  if (hexadecimal) return Integer(text, text.substr(2), false, 16);
  if (IsFloat(text)) return Float(text);
  return nlohmann::json(std::string(text));
}

Scalar ScalarFor(absl::string_view tag, absl::string_view text) {
  if (tag == "!") return nlohmann::json(std::string(text));  // quoted
  if (tag == "?" || tag.empty()) return Infer(text);
  if (!absl::StartsWith(tag, kTagPrefix)) {
    return absl::StrCat("must not have the tag '", Truncate(Printable(tag), 64),
                        "', only !!str, !!int, !!float and !!bool");
  }
  const absl::string_view name = tag.substr(sizeof(kTagPrefix) - 1);
  if (name == "str") return nlohmann::json(std::string(text));
  Scalar inferred = Infer(text);
  const nlohmann::json* value = std::get_if<nlohmann::json>(&inferred);
  if (value == nullptr) return inferred;
  const bool matches = (name == "int" && value->is_number_integer()) || (name == "float" && value->is_number()) ||
                       (name == "bool" && value->is_boolean());
  if (matches) return inferred;
  return absl::StrCat("must be what its tag says, found ", Truncate(Printable(text), 64), " tagged !!",
                      Truncate(Printable(name), 32));
}

Position At(const YAML::Mark& mark) { return {.line = mark.line + 1, .column = mark.column + 1}; }

// Builds one document.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const TreeBuilder::Limits& limits, std::vector<Problem>& problems) : tree_(limits, problems) {}

  // Nothing for an empty document.
  std::optional<Document> Take() {
    std::optional<nlohmann::json> root = tree_.TakeRoot();
    if (!root || root->is_null()) return std::nullopt;
    return Document{.value = *std::move(root), .positions = tree_.TakePositions()};
  }
  bool full() const { return tree_.full(); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (Skips(false)) return;
    if (ExpectsKey()) return RefuseKey(At(mark), "must not have an empty key", 1);
    Put(nullptr, At(mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (Skips(false)) return;
    if (ExpectsKey()) return TakeKey(tag, text, At(mark));
    Scalar scalar = ScalarFor(Sv(tag), text);
    if (const std::string* refusal = std::get_if<std::string>(&scalar)) {
      tree_.Report(At(mark), *refusal);
      scalar = nlohmann::json(nullptr);  // reads as absent: one mistake, not two
    }
    Put(std::get<nlohmann::json>(std::move(scalar)), At(mark), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (Skips(false)) return;
    if (ExpectsKey()) return RefuseKey(At(mark), "must not have an alias as a key, only text", 1);
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      tree_.Report(At(mark), "must not be an alias of something that contains it");
      return Put(nullptr, At(mark), 0);
    }
    tree_.Add(it->second.value, it->second.weight, At(mark));
    Completed();
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(nlohmann::json::value_t::array, tag, At(mark), anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(nlohmann::json::value_t::object, tag, At(mark), anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  struct Level {
    bool map = false;
    bool key_next = false;
    YAML::anchor_t anchor = 0;
    Weight before;
  };
  struct Anchored {
    nlohmann::json value;
    Weight weight;
  };

  // Whether this node belongs to a member that is passed over. `opens`: it is a collection.
  bool Skips(bool opens) {
    if (tree_.full()) return true;
    if (skip_depth_ == 0 && skip_nodes_ == 0) return false;
    if (skip_depth_ == 0) --skip_nodes_;
    if (opens) ++skip_depth_;
    return true;
  }

  bool ExpectsKey() const { return !levels_.empty() && levels_.back().map && levels_.back().key_next; }

  void TakeKey(const std::string& tag, const std::string& text, Position at) {
    if (text == "<<" && tag != "!") {
      return RefuseKey(at, "must not use the merge key `<<`, which Kubernetes does not apply: write the fields out", 1);
    }
    levels_.back().key_next = false;
    tree_.Key(text, at);
  }

  // Reports the key and passes over the next `nodes` nodes; then the next key is expected.
  void RefuseKey(Position at, std::string message, int nodes) {
    tree_.ReportAtParent(at, std::move(message));
    skip_nodes_ = nodes;
  }

  void Put(nlohmann::json value, Position at, YAML::anchor_t anchor) {
    const size_t bytes = value.is_string() ? value.get_ref<const std::string&>().size() : 0;
    const Weight weight = {.nodes = 1, .text_bytes = bytes};
    if (anchor != 0) anchors_[anchor] = {.value = value, .weight = weight};
    tree_.Add(std::move(value), weight, at);
    Completed();
  }

  // A value is complete: the next thing in a map is a key.
  void Completed() {
    if (!levels_.empty() && levels_.back().map) levels_.back().key_next = true;
  }

  void Open(nlohmann::json::value_t type, const std::string& tag, Position at, YAML::anchor_t anchor) {
    if (!tree_.full() && skip_depth_ == 0 && skip_nodes_ == 0 && ExpectsKey()) {
      RefuseKey(at, "must not have a list or an object as a key, only text", 2);
    }
    if (Skips(true)) return;
    const bool map = type == nlohmann::json::value_t::object;
    const bool plain = tag.empty() || tag == "?" || tag == "!" || tag == absl::StrCat(kTagPrefix, map ? "map" : "seq");
    if (!plain) tree_.Report(at, absl::StrCat("must not have the tag '", Truncate(Printable(Sv(tag)), 64), "'"));
    levels_.push_back({.map = map, .key_next = map, .anchor = anchor, .before = tree_.weight()});
    tree_.Start(type, at);
  }

  void Close() {
    if (tree_.full()) return;
    if (skip_depth_ > 0) {
      --skip_depth_;
      return;
    }
    const Level level = levels_.back();
    levels_.pop_back();
    const nlohmann::json* value = tree_.End();
    if (level.anchor != 0 && value != nullptr) {
      const Weight after = tree_.weight();
      anchors_[level.anchor] = {.value = *value,
                                .weight = {.nodes = after.nodes - level.before.nodes,
                                           .text_bytes = after.text_bytes - level.before.text_bytes}};
    }
    Completed();
  }

  TreeBuilder tree_;
  std::vector<Level> levels_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  int skip_nodes_ = 0;  // the next nodes to pass over
  int skip_depth_ = 0;  // open collections inside a node that is passed over
};

// The place of a byte.
Position PositionOf(absl::string_view text, size_t offset) {
  Position at = {.line = 1, .column = 1};
  for (size_t i = 0; i < offset && i < text.size(); ++i) {
    at.column = text[i] == '\n' ? 1 : at.column + 1;
    if (text[i] == '\n') ++at.line;
  }
  return at;
}

// What makes the text no YAML before it is parsed: size, invalid UTF-8, control characters.
std::optional<Problem> CheckText(absl::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Problem{.message = absl::StrCat("must be at most ", limits.max_bytes, " bytes long, found ", text.size())};
  }
  const std::string printable = Printable(text);  // as long as `text`
  for (size_t i = 0; i < text.size(); ++i) {
    if (printable[i] == text[i] || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') continue;
    const Position at = PositionOf(text, i);
    const bool control = static_cast<unsigned char>(text[i]) < 0x80;
    const int byte = static_cast<unsigned char>(text[i]);
    return Problem{.line = at.line,
                   .column = at.column,
                   .message = control ? absl::StrFormat("must not contain control characters, found 0x%02x", byte)
                                      : absl::StrFormat("must be valid UTF-8, found the byte 0x%02x", byte)};
  }
  return std::nullopt;
}

}  // namespace

Documents ParseYaml(absl::string_view text, const YamlLimits& limits) {
  Documents out;
  if (std::optional<Problem> problem = CheckText(text, limits)) {
    out.problems.push_back(*std::move(problem));
    return out;
  }
  const TreeBuilder::Limits tree_limits = {.max_depth = limits.max_depth,
                                           .max_nodes = limits.max_nodes,
                                           .max_text_bytes = limits.max_text_bytes,
                                           .positions = true};
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    bool more = true;
    while (more) {
      Builder builder(tree_limits, out.problems);
      more = parser.HandleNextDocument(builder);
      std::optional<Document> document = builder.Take();
      if (document) out.documents.push_back(*std::move(document));
      if (builder.full()) break;
      if (out.documents.size() > limits.max_nodes / 100) {
        out.problems.push_back({.message = absl::StrCat("must have at most ", limits.max_nodes / 100, " documents")});
        break;
      }
    }
  } catch (const YAML::Exception& e) {
    const Position at = e.mark.is_null() ? Position{} : At(e.mark);
    out.problems.push_back(
        {.line = at.line,
         .column = at.column,
         .message = absl::StrCat("must be valid YAML, found: ", Truncate(Printable(Sv(e.msg)), 200))});
  } catch (const std::exception& e) {
    out.problems.push_back(
        {.message = absl::StrCat("must be valid YAML, found: ", Truncate(Printable(e.what()), 200))});
  }
  return out;
}

}  // namespace ottoscale::codec
