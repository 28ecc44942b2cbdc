#include "pkg/providers/heroku/config.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "pkg/codec/json.h"
#include "pkg/codec/object_reader.h"

namespace ottoscale::heroku {
namespace {

constexpr codec::Range kAppLength = {1, 64};    // names have at most 30 characters, UUIDs 36
constexpr codec::Range kTypeLength = {1, 128};  // ^[-\w]{1,128}$

// The member, when it consists of letters, digits and the bytes of `more`.
std::optional<std::string> Word(codec::ObjectReader& reader, absl::string_view key, codec::Range length,
                                absl::string_view more, absl::string_view allowed) {
  std::optional<std::string> text = reader.String(key, length);
  if (!text) return std::nullopt;
  const bool plain = std::all_of(text->begin(), text->end(), [more](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(more, c);
  });
  if (plain) return text;
  reader.Refuse(key, absl::StrCat("must consist of ", allowed, ", found ", codec::Describe(*reader.Find(key))));
  return std::nullopt;
}

}  // namespace

codec::Decoded<Config> ParseConfig(const policy::ProviderConfig& config) {
  codec::Decoded<Config> out;
  const absl::StatusOr<nlohmann::json> json = codec::ReadJson(config.json);
  if (!json.ok()) {
    out.problems.push_back(
        {.message = absl::StrCat("must be an object: ", absl::string_view(json.status().message()))});
    return out;
  }
  codec::Report report(nullptr);
  codec::ObjectReader reader(*json, {}, report);
  reader.Allow({"accountRef"});
  reader.Require("app", "the name or the UUID of a Heroku app");
  Config parsed;
  parsed.app = Word(reader, "app", kAppLength, "-", "letters, digits and '-'").value_or("");
  parsed.process_type =
      Word(reader, "processType", kTypeLength, "-_", "letters, digits, '-' and '_'").value_or(parsed.process_type);
  // One-off dynos have this type; they belong to no formation.
  if (parsed.process_type == "run")
    reader.Refuse("processType", "must be a type of the formation, found 'run': one-off dynos");
  reader.Finish();
  out.value = std::move(parsed);
  out.problems = report.Take();
  return out;
}

}  // namespace ottoscale::heroku
