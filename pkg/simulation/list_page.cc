#include "pkg/simulation/list_page.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/base/status.h"

namespace ottoscale::simulation {
namespace {

constexpr size_t kMost = 1000;

struct Bound {
  std::string id;  // "": none
  bool exclusive = false;
};

struct Range {
  Bound start;
  Bound end;
  size_t max = 0;
  bool descending = false;
};

Bound ParseBound(absl::string_view text) {
  Bound bound;
  bound.exclusive = absl::ConsumePrefix(&text, "]");
  bound.id = std::string(text);
  return bound;
}

absl::Status ParseOption(absl::string_view text, Range& range) {
  if (text.empty()) return absl::OkStatus();  // after a closing ";"
  if (absl::ConsumePrefix(&text, "max=")) {
    if (absl::SimpleAtoi(text, &range.max) && range.max >= 1 && range.max <= kMost) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("max must be from 1 to ", kMost, "."));
  }
  range.descending = text == "order=desc";
  if (range.descending || text == "order=asc") return absl::OkStatus();
  return absl::InvalidArgumentError("Only max and order are options of a range.");
}

absl::StatusOr<Range> ParseRange(absl::string_view text, size_t page_size) {
  Range range{.max = page_size};
  if (!absl::ConsumePrefix(&text, "id ")) return absl::InvalidArgumentError("Only ranges by id are supported.");
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ';');
  const std::vector<absl::string_view> ends = absl::StrSplit(absl::StripAsciiWhitespace(parts[0]), "..");
  if (ends.size() != 2) return absl::InvalidArgumentError("A range is written id start..end.");
  range.start = ParseBound(ends[0]);
  range.end = ParseBound(ends[1]);
  for (size_t i = 1; i < parts.size(); ++i) {
    RETURN_IF_ERROR(ParseOption(absl::StripAsciiWhitespace(parts[i]), range));
  }
  return range;
}

const std::string& IdOf(const nlohmann::json& item) { return item.at("id").get_ref<const std::string&>(); }

// In the order of the list: -1 before, 0 at, 1 after the bound.
int Compare(const std::string& id, const Bound& bound, bool descending) {
  const int order = id.compare(bound.id);
  if (order == 0) return 0;
  return (order > 0) != descending ? 1 : -1;
}

bool Outside(const std::string& id, const Range& range) {
  if (!range.start.id.empty()) {
    const int place = Compare(id, range.start, range.descending);
    if (place < 0 || (place == 0 && range.start.exclusive)) return true;
  }
  if (range.end.id.empty()) return false;
  const int place = Compare(id, range.end, range.descending);
  return place > 0 || (place == 0 && range.end.exclusive);
}

}  // namespace

absl::StatusOr<ListPage> PageOf(std::vector<nlohmann::json> items, const std::optional<std::string>& range,
                                size_t page_size) {
  Range asked{.max = page_size};
  if (range) {
    ASSIGN_OR_RETURN(asked, ParseRange(*range, page_size));
  }
  std::sort(items.begin(), items.end(), [&](const nlohmann::json& a, const nlohmann::json& b) {
    return asked.descending ? IdOf(b) < IdOf(a) : IdOf(a) < IdOf(b);
  });
  std::erase_if(items, [&](const nlohmann::json& item) { return Outside(IdOf(item), asked); });
  if (items.size() <= asked.max) return ListPage{std::move(items), std::nullopt};
  items.resize(asked.max);
  std::string next = absl::StrCat("id ]", IdOf(items.back()), "..", asked.end.exclusive ? "]" : "", asked.end.id,
                                  "; max=", asked.max, asked.descending ? "; order=desc" : "");
  return ListPage{std::move(items), std::move(next)};
}

}  // namespace ottoscale::simulation
