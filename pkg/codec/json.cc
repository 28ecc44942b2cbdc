#include "pkg/codec/json.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/tree_builder.h"

// Note [Places in JSON]
// nlohmann's SAX events carry no place. Its parser never reads past the token that an event is about, but for the one
// character behind a number; so the iterator that it reads from tells how far it has come, and the token of an event
// starts behind the last event's token, one comma or colon, and white space.

namespace ottoscale::codec {
namespace {

// Reads a text and tells how far the parser has come.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// The sentence inside nlohmann's message, without the text that was read: "unexpected end of input; expected ']'".
std::string Cleaned(absl::string_view what) {
  const size_t dash = what.find(" - ");
  if (dash == absl::string_view::npos) return "a number that does not fit";
  absl::string_view message = what.substr(dash + 3);
  const size_t read = message.find("; last read");
  const size_t expected = message.rfind("; expected ");
  std::string out(message.substr(0, std::min(read, expected)));
  if (expected != absl::string_view::npos) absl::StrAppend(&out, message.substr(expected));
  return Truncate(Printable(out), 160);
}

class Handler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Handler(const TreeBuilder::Limits& limits, absl::string_view text, const char** reached,
          std::vector<Problem>& problems)
      : tree_(limits, problems), text_(text), reached_(reached), problems_(problems), done_(text.data()) {}

  bool null() override { return Put(nullptr); }
  bool boolean(bool value) override { return Put(value); }
  bool number_integer(number_integer_t value) override { return PutNumber(value); }
  bool number_unsigned(number_unsigned_t value) override { return PutNumber(value); }
  bool number_float(number_float_t value, const string_t&) override { return PutNumber(value); }
  bool string(string_t& value) override { return Put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool start_object(std::size_t) override { return Start(nlohmann::json::value_t::object); }
  bool start_array(std::size_t) override { return Start(nlohmann::json::value_t::array); }
  bool key(string_t& value) override { return tree_.Key(std::move(value), Token()); }
  bool end_object() override { return End(); }
  bool end_array() override { return End(); }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    const Position at = Token();
    problems_.push_back({.line = at.line,
                         .column = at.column,
                         .message = absl::StrCat("must be valid JSON, found: ", Cleaned(e.what()))});
    return false;
  }

  TreeBuilder& tree() { return tree_; }

 private:
  bool Put(nlohmann::json value) {
    const size_t bytes = value.is_string() ? value.get_ref<const std::string&>().size() : 0;
    return tree_.Add(std::move(value), {.nodes = 1, .text_bytes = bytes}, Token());
  }
  bool PutNumber(nlohmann::json value) { return tree_.Add(std::move(value), {.nodes = 1}, NumberToken()); }
  bool Start(nlohmann::json::value_t type) { return tree_.Start(type, Token()); }
  bool End() {
    done_ = *reached_;
    tree_.End();
    return true;
  }

  // Where the token of this event starts.
  Position Token() {
    const char* start = SkipSpace(done_);
    if (start < *reached_ && (*start == ',' || *start == ':')) start = SkipSpace(start + 1);
    done_ = *reached_;
    return Advance(start);
  }

  Position NumberToken() {
    const Position at = Token();
    const char last = *(done_ - 1);
    const bool at_end = done_ == text_.data() + text_.size() && last >= '0' && last <= '9';
    if (!at_end) --done_;  // the character behind the number
    return at;
  }

  const char* SkipSpace(const char* at) const {
    while (at < *reached_ && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
    return at;
  }

  // Counts lines up to `to`, which never goes back.
  Position Advance(const char* to) {
    for (; counted_ < to - text_.data(); ++counted_) {
      const bool line_end = text_[static_cast<size_t>(counted_)] == '\n';
      at_.line += line_end ? 1 : 0;
      at_.column = line_end ? 1 : at_.column + 1;
    }
    return at_;
  }

  TreeBuilder tree_;
  const absl::string_view text_;
  const char** const reached_;
  std::vector<Problem>& problems_;
  const char* done_;  // the end of the last event's token
  std::ptrdiff_t counted_ = 0;
  Position at_ = {.line = 1, .column = 1};
};

struct Parsed {
  std::optional<nlohmann::json> value;
  Positions positions;
  std::vector<Problem> problems;
  bool limit_reached = false;
};

Parsed Parse(absl::string_view text, const JsonLimits& limits, bool positions) {
  Parsed out;
  if (text.size() > limits.max_bytes) {
    out.problems.push_back(
        {.message = absl::StrCat("must be at most ", limits.max_bytes, " bytes long, found ", text.size())});
    out.limit_reached = true;
    return out;
  }
  const TreeBuilder::Limits tree_limits = {.max_depth = limits.max_depth,
                                           .max_nodes = limits.max_nodes,
                                           .max_text_bytes = limits.max_bytes,
                                           .positions = positions};
  const char* reached = text.data();
  Handler handler(tree_limits, text, &reached, out.problems);
  nlohmann::json::sax_parse(CountingIterator(text.data(), &reached),
                            CountingIterator(text.data() + text.size(), &reached), &handler);
  out.value = handler.tree().TakeRoot();
  out.positions = handler.tree().TakePositions();
  out.limit_reached = handler.tree().full();
  return out;
}

}  // namespace

Decoded<Document> ParseJson(absl::string_view text, const JsonLimits& limits) {
  Parsed parsed = Parse(text, limits, true);
  Decoded<Document> out;
  out.problems = std::move(parsed.problems);
  if (parsed.value) out.value = Document{.value = *std::move(parsed.value), .positions = std::move(parsed.positions)};
  return out;
}

absl::StatusOr<nlohmann::json> ReadJson(absl::string_view text, const JsonLimits& limits) {
  Parsed parsed = Parse(text, limits, false);
  if (parsed.problems.empty() && parsed.value) return *std::move(parsed.value);
  const Problem problem = parsed.problems.empty() ? Problem{.message = "must be valid JSON"} : parsed.problems.front();
  const std::string where =
      problem.line > 0 ? absl::StrCat("json line ", problem.line, ", column ", problem.column) : std::string("json");
  const std::string message = absl::StrCat(where, ": ", FormatProblem(problem));
  return parsed.limit_reached ? absl::ResourceExhaustedError(message) : absl::InvalidArgumentError(message);
}

}  // namespace ottoscale::codec
