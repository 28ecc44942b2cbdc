#include "pkg/providers/heartbeat/config.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/codec/object_reader.h"

namespace ottoscale::heartbeat {
namespace {

constexpr codec::Range kUrlLength = {1, 2048};  // OUT-15
constexpr codec::Range kTimeout = {100, 60'000};
constexpr codec::Range kRanges = {1, 16};
constexpr codec::Range kBodyLength = {0, 1024};
constexpr int kMinStatus = 200;  // 1xx are never the final answer
constexpr int kMaxStatus = 599;

std::optional<int> ParseStatus(absl::string_view text) {
  int status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  const bool whole = error == std::errc() && end == text.data() + text.size() && text.size() == 3;
  if (!whole || status < kMinStatus || status > kMaxStatus) return std::nullopt;
  return status;
}

// "204" or "200-299".
std::optional<StatusRange> ParseRange(absl::string_view text) {
  const size_t dash = std::min(text.find('-'), text.size());
  const std::optional<int> low = ParseStatus(text.substr(0, dash));
  const std::optional<int> high = dash < text.size() ? ParseStatus(text.substr(dash + 1)) : low;
  if (!low || !high || *low > *high) return std::nullopt;
  return StatusRange{.low = *low, .high = *high};
}

void ReadUrl(codec::ObjectReader& reader, Config& config) {
  reader.Require("url", "what to ask, such as https://shop.example/heartbeat/");
  config.url = reader.String("url", kUrlLength).value_or("");
  if (config.url.empty()) return;
  absl::StatusOr<http::Url> parts = http::ParseUrl(config.url);
  if (parts.ok()) {
    config.parts = *std::move(parts);
  } else {
    // The URL itself is not repeated: what is wrong may be a password in it.
    reader.Refuse("url", absl::StrCat("must be a URL such as https://shop.example/heartbeat/: ",
                                      absl::string_view(parts.status().message())));
  }
}

void ReadStatuses(codec::ObjectReader& reader, Config& config) {
  if (!reader.Has("expectedStatuses")) return;
  config.expected.clear();
  for (const codec::ObjectReader::Item& item : reader.List("expectedStatuses", kRanges)) {
    std::optional<StatusRange> range;
    if (item.value->is_string()) range = ParseRange(item.value->get_ref<const std::string&>());
    if (range) {
      config.expected.push_back(*range);
      continue;
    }
    const bool number = codec::ToInt64(*item.value).has_value();
    reader.report().Add(item.path, absl::StrCat("must be a status from ", kMinStatus, " to ", kMaxStatus,
                                                " or a range of them, such as \"204\" or \"200-299\", found ",
                                                codec::Describe(*item.value), number ? ": quote it" : ""));
  }
}

}  // namespace

bool Config::Expects(int status) const {
  return std::any_of(expected.begin(), expected.end(),
                     [status](StatusRange range) { return range.low <= status && status <= range.high; });
}

std::string Config::ExpectedText() const {
  std::vector<std::string> words;
  for (const StatusRange range : expected) {
    words.push_back(range.low == range.high ? absl::StrCat(range.low) : absl::StrCat(range.low, "-", range.high));
  }
  return JoinWords(words, "or");
}

codec::Decoded<Config> ParseConfig(const policy::ProviderConfig& config) {
  codec::Decoded<Config> out;
  const absl::StatusOr<nlohmann::json> json = codec::ReadJson(config.json);
  if (!json.ok()) {
    out.problems.push_back(
        {.message = absl::StrCat("must be an object: ", absl::string_view(json.status().message()))});
    return out;
  }
  const std::vector<codec::Choice<bool>> choices = {{"Breach", true}, {"Hold", false}};
  codec::Report report(nullptr);
  codec::ObjectReader reader(*json, {}, report);
  Config parsed;
  ReadUrl(reader, parsed);
  if (const auto timeout = reader.Int("timeoutMilliseconds", kTimeout)) parsed.timeout = absl::Milliseconds(*timeout);
  ReadStatuses(reader, parsed);
  parsed.body_contains = reader.String("bodyContains", kBodyLength).value_or("");
  parsed.timeout_breaches = reader.Enum("onTimeout", choices).value_or(parsed.timeout_breaches);
  parsed.server_error_breaches = reader.Enum("onServerError", choices).value_or(parsed.server_error_breaches);
  reader.Finish();
  out.value = std::move(parsed);
  out.problems = report.Take();
  return out;
}

}  // namespace ottoscale::heartbeat
