#include "pkg/codec/object_reader.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/base/check.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"

namespace ottoscale::codec {
namespace {

std::string Quoted(absl::string_view text) { return absl::StrCat("'", text, "'"); }
std::string Ticked(absl::string_view text) { return absl::StrCat("`", text, "`"); }

template <typename Wrap>
std::vector<std::string> Each(const std::vector<std::string>& names, Wrap wrap) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(wrap(name));
  return out;
}

// "an integer from 5 to 3600".
std::string IntegerText(Range range) {
  if (range.max == std::numeric_limits<int64_t>::max()) return absl::StrCat("an integer of at least ", range.min);
  return absl::StrCat("an integer from ", range.min, " to ", range.max);
}

// A bound in a message: 1000 rather than 1000.0.
std::string Number(double value) {
  const std::optional<int64_t> integer = ToInt64(value);
  return integer ? absl::StrCat(*integer) : Dump(value);
}

// Of UTF-8: as Kubernetes counts maxLength.
int64_t Characters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

constexpr size_t kMaxDigits = 12;  // on either side of the point: crds/ have the same in a pattern

// -?digits(.digits)?, at most kMaxDigits each.
std::optional<double> ParseDecimal(absl::string_view text) {
  absl::string_view digits = text;
  if (!digits.empty() && digits[0] == '-') digits.remove_prefix(1);
  const std::vector<absl::string_view> parts = absl::StrSplit(digits, '.');
  if (parts.size() > 2) return std::nullopt;
  for (const absl::string_view part : parts) {
    if (part.empty() || part.size() > kMaxDigits || part.find_first_not_of("0123456789") != absl::string_view::npos)
      return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool Is11Boolean(const nlohmann::json& value) {
  if (!value.is_string()) return false;
  static constexpr absl::string_view kWords[] = {"yes", "no", "on", "off", "y", "n"};
  std::string lower = value.get<std::string>();
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords);
}

}  // namespace

void Report::Add(Problem problem) {
  if (problems_.size() >= kMaxProblems) return;
  const auto earlier = [](const Problem& a, const Problem& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  };
  problems_.insert(std::upper_bound(problems_.begin(), problems_.end(), problem, earlier), std::move(problem));
}

void Report::Add(const Path& path, std::string message) {
  const Position at = positions_ == nullptr ? Position{} : positions_->ValueOf(path.pointer);
  Add({.line = at.line, .column = at.column, .path = path.text, .message = std::move(message)});
}

void Report::AddAtKey(const Path& path, std::string message) {
  const Position at = positions_ == nullptr ? Position{} : positions_->KeyOf(path.pointer);
  Add({.line = at.line, .column = at.column, .path = path.text, .message = std::move(message)});
}

void Report::AddBelow(const Path& base, absl::string_view relative, std::string message) {
  Path path = base;
  for (const absl::string_view step : absl::StrSplit(relative, '.', absl::SkipEmpty())) {
    const size_t bracket = std::min(step.find('['), step.size());
    if (bracket > 0) path = path.Key(step.substr(0, bracket));
    for (const absl::string_view index :
         absl::StrSplit(step.substr(bracket), absl::ByAnyChar("[]"), absl::SkipEmpty())) {
      size_t number = 0;
      const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), number);
      path = error == std::errc() && end == index.data() + index.size() ? path.Index(number) : path.Key(index);
    }
  }
  Add(path, std::move(message));
}

ObjectReader::ObjectReader(const nlohmann::json& value, Path path, Report& report)
    : path_(std::move(path)), report_(&report) {
  if (value.is_object()) {
    object_ = &value;
  } else {
    report.Add(path_, absl::StrCat("must be an object, found ", Describe(value)));
  }
}

const nlohmann::json* ObjectReader::Find(absl::string_view key) {
  Allow({key});
  return object_ == nullptr ? nullptr : codec::Find(*object_, key);
}

void ObjectReader::Allow(std::initializer_list<absl::string_view> keys) {
  for (const absl::string_view key : keys) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  }
}

void ObjectReader::Require(absl::string_view key, absl::string_view why) {
  if (object_ != nullptr && !Has(key)) missing_.push_back({.key = std::string(key), .why = std::string(why)});
}

std::optional<int64_t> ObjectReader::Int64(absl::string_view key, Range range) {
  const nlohmann::json* member = Find(key);
  if (member == nullptr) return std::nullopt;
  const std::optional<int64_t> value = ToInt64(*member);
  if (value && *value >= range.min && *value <= range.max) return value;
  Refuse(key, absl::StrCat("must be ", IntegerText(range), ", found ", Describe(*member)));
  return std::nullopt;
}

std::optional<int> ObjectReader::Int(absl::string_view key, Range range) {
  CHECK(range.min >= std::numeric_limits<int>::min() && range.max <= std::numeric_limits<int>::max(),
        "range of an int");
  const std::optional<int64_t> value = Int64(key, range);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<bool> ObjectReader::Bool(absl::string_view key) {
  const nlohmann::json* member = Find(key);
  if (member == nullptr) return std::nullopt;
  if (member->is_boolean()) return member->get<bool>();
  Refuse(key, absl::StrCat("must be true or false, found ", Describe(*member),
                           Is11Boolean(*member) ? ", which is text in YAML 1.2" : ""));
  return std::nullopt;
}

std::optional<std::string> ObjectReader::String(absl::string_view key, Range length) {
  const nlohmann::json* member = Find(key);
  if (member == nullptr) return std::nullopt;
  if (!member->is_string()) {
    const bool scalar = !member->is_object() && !member->is_array();
    Refuse(key, absl::StrCat("must be a string, found ", Describe(*member), scalar ? ": quote it" : ""));
    return std::nullopt;
  }
  const auto& text = member->get_ref<const std::string&>();
  const int64_t size = Characters(text);
  if (size >= length.min && size <= length.max) return text;
  if (size < length.min && size == 0) {
    Refuse(key, "must not be empty");
  } else {
    Refuse(key, absl::StrCat("must be ", length.min, " to ", length.max, " characters long, found ", size));
  }
  return std::nullopt;
}

std::optional<double> ObjectReader::Decimal(absl::string_view key, double min, double max) {
  const nlohmann::json* member = Find(key);
  if (member == nullptr) return std::nullopt;
  std::optional<double> value;
  if (const std::optional<int64_t> integer = ToInt64(*member)) value = static_cast<double>(*integer);
  if (member->is_string()) value = ParseDecimal(member->get_ref<const std::string&>());
  if (value && *value >= min && *value <= max) return value;
  const bool fraction = member->is_number_float() && !ToInt64(*member);
  Refuse(key, absl::StrCat("must be a plain decimal number from ", Number(min), " to ", Number(max),
                           ", such as 200 or \"37.5\", found ", Describe(*member), fraction ? ": quote it" : ""));
  return std::nullopt;
}

std::optional<size_t> ObjectReader::OneOf(absl::string_view key, const std::vector<std::string>& names) {
  const nlohmann::json* member = Find(key);
  if (member == nullptr) return std::nullopt;
  std::string hint;
  if (member->is_string()) {
    const auto& text = member->get_ref<const std::string&>();
    const auto it = std::find(names.begin(), names.end(), text);
    if (it != names.end()) return static_cast<size_t>(it - names.begin());
    if (const std::optional<std::string> near = ClosestMatch(text, names); near && names.size() > 1) {
      hint = absl::StrCat(", did you mean '", *near, "'?");
    }
  }
  Refuse(key, absl::StrCat("must be ", JoinWords(Each(names, Quoted), "or"), ", found ", Describe(*member), hint));
  return std::nullopt;
}

ObjectReader ObjectReader::Object(absl::string_view key) {
  const nlohmann::json* member = Find(key);
  if (member == nullptr) return ObjectReader(path_.Key(key), *report_);
  return ObjectReader(*member, path_.Key(key), *report_);
}

std::vector<ObjectReader::Item> ObjectReader::List(absl::string_view key, Range items) {
  const nlohmann::json* member = Find(key);
  std::vector<Item> out;
  if (member == nullptr) return out;
  if (!member->is_array()) {
    Refuse(key, absl::StrCat("must be a list, found ", Describe(*member)));
    return out;
  }
  const auto size = static_cast<int64_t>(member->size());
  if (size < items.min || size > items.max) {
    Refuse(key, absl::StrCat("must have ", items.min, " to ", items.max, " items, found ", size));
  }
  const Path path = path_.Key(key);
  for (size_t i = 0; i < member->size() && static_cast<int64_t>(i) < items.max; ++i) {
    out.push_back({.value = &(*member)[i], .path = path.Index(i)});
  }
  return out;
}

std::optional<std::vector<std::string>> ObjectReader::Strings(absl::string_view key, Range items, Range length) {
  if (!Has(key)) return std::nullopt;
  std::vector<std::string> out;
  for (const Item& item : List(key, items)) {
    const int64_t size = item.value->is_string() ? Characters(item.value->get_ref<const std::string&>()) : 0;
    const bool fits = item.value->is_string() && size >= length.min && size <= length.max;
    if (fits) {
      out.push_back(item.value->get<std::string>());
    } else {
      report_->Add(item.path, absl::StrCat("must be a string of ", length.min, " to ", length.max,
                                           " characters, found ", Describe(*item.value)));
    }
  }
  return out;
}

void ObjectReader::Refuse(absl::string_view key, std::string message) {
  report_->Add(path_.Key(key), std::move(message));
}

void ObjectReader::RefuseHere(std::string message) { report_->AddAtKey(path_, std::move(message)); }

void ObjectReader::Finish() {
  if (object_ == nullptr) return;
  for (const auto& [key, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::optional<std::string> near = ClosestMatch(key, known_);
    report_->AddAtKey(path_.Key(key),
                      near ? absl::StrCat("is an unknown field, did you mean ", Ticked(*near), "?")
                           : absl::StrCat("is an unknown field, known are ", JoinWords(Each(known_, Ticked), "and")));
    if (near) std::erase_if(missing_, [&](const Missing& missing) { return missing.key == *near; });
  }
  for (const Missing& missing : missing_) {
    // The place is that of the object: its key, since the field has none.
    const Path path = path_.Key(missing.key);
    report_->AddAtKey(path, absl::StrCat("is required", missing.why.empty() ? "" : ": ", missing.why));
  }
}

}  // namespace ottoscale::codec
