#include "pkg/simulation/heroku_json.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "pkg/codec/json.h"

namespace ottoscale::simulation {
namespace {

std::string Stamp(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()); }

nlohmann::json AppReference(const App& app) { return {{"id", app.uuid}, {"name", app.name}}; }

// FNV-1a: an ETag only has to differ when the body does.
std::string EtagOf(absl::string_view body) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : body) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return absl::StrFormat("\"%016x\"", hash);
}

}  // namespace

http::Response JsonAnswer(int status, const nlohmann::json& body) {
  http::Response response{.status = status, .body = http::Body(codec::Dump(body))};
  response.headers.Set("Content-Type", "application/json");
  return response;
}

http::Response ErrorAnswer(int status, absl::string_view id, absl::string_view message, nlohmann::json more) {
  more["id"] = std::string(id);
  more["message"] = std::string(message);
  more["url"] = absl::StrCat("https://devcenter.heroku.com/articles/platform-api-reference#", id);
  return JsonAnswer(status, more);
}

void AddEtag(http::Response& response, absl::string_view if_none_match) {
  const std::string etag = EtagOf(response.body.text);
  response.headers.Set("ETag", etag);
  const std::vector<absl::string_view> known = absl::StrSplit(if_none_match, ',');
  if (std::none_of(known.begin(), known.end(),
                   [&](absl::string_view one) { return absl::StripAsciiWhitespace(one) == etag; })) {
    return;
  }
  response.status = 304;
  response.body = http::Body();
}

nlohmann::json AppJson(const App& app) {
  return {{"id", app.uuid},
          {"name", app.name},
          {"maintenance", app.maintenance},
          {"space", nullptr},
          {"acm", false},
          {"archived_at", nullptr},
          {"created_at", Stamp(app.created)},
          {"updated_at", Stamp(app.created)}};
}

nlohmann::json FormationJson(const App& app, const std::string& type) {
  const Process& process = app.processes.at(type);
  return {{"app", AppReference(app)},
          {"command", absl::StrCat("bin/", type)},
          {"id", process.id},
          {"quantity", process.quantity},
          {"size", process.size},
          {"type", type},
          {"created_at", Stamp(app.created)},
          {"updated_at", Stamp(process.updated)}};
}

std::vector<nlohmann::json> DynosJson(const App& app, async::BootTime now) {
  std::vector<nlohmann::json> items;
  for (const auto& [type, process] : app.processes) {
    for (const Dyno& dyno : Listed(process, now)) {
      items.push_back({{"id", dyno.id},
                       {"name", absl::StrCat(type, ".", dyno.number)},
                       {"type", type},
                       {"state", std::string(ToString(StateOf(process, dyno, now)))},
                       {"size", process.size},
                       {"command", absl::StrCat("bin/", type)},
                       {"app", AppReference(app)},
                       {"attach_url", nullptr},
                       {"release", {{"id", app.uuid}, {"version", 1}}},
                       {"created_at", Stamp(dyno.created)},
                       {"updated_at", Stamp(dyno.created)}});
    }
  }
  return items;
}

nlohmann::json DynoSizesJson() {
  nlohmann::json sizes = nlohmann::json::array();
  for (const DynoSize& size : DynoSizes()) {
    sizes.push_back({{"id", absl::StrCat("size-", absl::AsciiStrToLower(size.name))},
                     {"name", std::string(size.name)},
                     {"memory", size.memory_gb},
                     {"compute", size.compute},
                     {"dedicated", size.dedicated},
                     {"cost", nullptr},
                     {"private_space_only", size.tier == DynoTier::kPrivate}});
  }
  return sizes;
}

}  // namespace ottoscale::simulation
