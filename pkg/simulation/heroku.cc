#include "pkg/simulation/heroku.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/base/check.h"
#include "pkg/codec/json.h"

namespace ottoscale::simulation {
namespace {

constexpr char kAccept[] = "application/vnd.heroku+json; version=3";
constexpr int kAppLimit = 100;  // dynos of one app, all types together

// The most dynos of one process type that a size allows; nullopt: the app's limit only.
std::optional<int> SizeLimit(absl::string_view size) {
  const std::string lower = absl::AsciiStrToLower(size);
  if (lower == "eco" || lower == "basic") return 1;
  if (absl::StartsWith(lower, "performance") || absl::StartsWith(lower, "private")) return 10;
  return std::nullopt;
}

// FNV-1a: an ETag only has to differ when the body does.
std::string EtagOf(absl::string_view body) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : body) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return absl::StrFormat("\"%016x\"", hash);
}

constexpr char kTime[] = "2030-01-01T00:00:00Z";

}  // namespace

SimulatedHeroku::SimulatedHeroku(async::Loop& loop, HerokuOptions options) : loop_(loop), options_(options) {}

void SimulatedHeroku::AddAccount(const std::string& name, const std::string& key) {
  accounts_[key] = {.name = name, .tokens = options_.rate_limit, .refilled = loop_.Now().boot};
}
void SimulatedHeroku::RevokeKey(const std::string& key) { accounts_.erase(key); }
void SimulatedHeroku::RefuseAccount(const std::string& name, int status) {
  for (auto& [key, account] : accounts_) {
    if (account.name == name) account.refused = status;
  }
}

void SimulatedHeroku::AddApp(const std::string& name, const std::string& uuid, const std::string& type, int quantity,
                             const std::string& size) {
  apps_[uuid] = {.uuid = uuid, .name = name};
  AddProcess(name, type, quantity, size);
}

void SimulatedHeroku::AddProcess(const std::string& app, const std::string& type, int quantity, const std::string& size) {
  Process& process = Find(app)->processes[type];
  process.size = size;
  Scale(process, quantity, false);
}

SimulatedHeroku::App* SimulatedHeroku::Find(const std::string& name_or_uuid) {
  for (auto& [uuid, app] : apps_) {
    if (uuid == name_or_uuid || app.name == name_or_uuid) return &app;
  }
  return nullptr;
}
const SimulatedHeroku::App* SimulatedHeroku::Find(const std::string& name_or_uuid) const {
  return const_cast<SimulatedHeroku*>(this)->Find(name_or_uuid);  // NOLINT: finds, changes nothing
}

std::string SimulatedHeroku::NewUuid() {
  const uint64_t a = loop_.random().Next();
  const uint64_t b = loop_.random().Next();
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", a >> 32, (a >> 16) & 0xFFFF, a & 0xFFFF, b >> 48, b & 0xFFFFFFFFFFFF);
}

// New dynos get the next numbers and boot; the highest numbers go first.
void SimulatedHeroku::Scale(Process& process, int quantity, bool boot) {
  process.quantity = quantity;
  while (process.dynos.size() > static_cast<size_t>(quantity)) process.dynos.pop_back();
  const absl::Duration spread = options_.boot_max - options_.boot_min;
  while (process.dynos.size() < static_cast<size_t>(quantity)) {
    const absl::Duration wait = boot ? options_.boot_min + spread * loop_.random().Unit() : absl::ZeroDuration();
    process.dynos.push_back({.number = static_cast<int>(process.dynos.size()) + 1,
                             .id = NewUuid(),
                             .up_at = loop_.Now().boot + wait});
  }
}

void SimulatedHeroku::HumanScales(const std::string& app, const std::string& type, int quantity) {
  Process& process = Find(app)->processes.at(type);
  writes_.push_back({loop_.Now(), "human", app, type, process.quantity, quantity, 200});
  Scale(process, quantity, true);
}
void SimulatedHeroku::SetMaintenance(const std::string& app, bool on) { Find(app)->maintenance = on; }
void SimulatedHeroku::Rename(const std::string& app, const std::string& name) { Find(app)->name = name; }
void SimulatedHeroku::Crash(const std::string& app, const std::string& type) {
  std::vector<Dyno>& dynos = Find(app)->processes.at(type).dynos;
  if (dynos.empty()) return;
  dynos.back().crashed = true;
  dynos.back().up_at = loop_.Now().boot + 3 * options_.boot_max;
}

int SimulatedHeroku::Quantity(const std::string& app, const std::string& type) const {
  return Find(app)->processes.at(type).quantity;
}
bool SimulatedHeroku::Maintenance(const std::string& app) const { return Find(app)->maintenance; }
int SimulatedHeroku::Up(const std::string& app, const std::string& type) {
  const std::vector<Dyno>& dynos = Find(app)->processes.at(type).dynos;
  const async::BootTime now = loop_.Now().boot;
  return static_cast<int>(std::count_if(dynos.begin(), dynos.end(), [now](const Dyno& d) { return d.up_at <= now; }));
}

http::Response SimulatedHeroku::Answer(int status, nlohmann::json body) const {
  http::Response response{.status = status, .body = http::Body(codec::Dump(body))};
  response.headers.Set("Content-Type", "application/json");
  return response;
}
http::Response SimulatedHeroku::Error(int status, const std::string& id, const std::string& message) const {
  return Answer(status, {{"id", id}, {"message", message}, {"url", absl::StrCat("https://devcenter.heroku.com/#", id)}});
}

async::Task<http::Response> SimulatedHeroku::Handle(http::ServerRequest request) {
  ++requests_;
  http::Response response = [&]() -> http::Response {
    if (request.headers.Get("Accept") != kAccept) {
      return Error(406, "not_acceptable", "The Accept header must be application/vnd.heroku+json; version=3.");
    }
    const std::string authorization = request.headers.Get("Authorization").value_or("");
    absl::string_view key = authorization;
    const auto account = absl::ConsumePrefix(&key, "Bearer ") ? accounts_.find(std::string(key)) : accounts_.end();
    if (account == accounts_.end()) return Error(401, "unauthorized", "Invalid credentials provided.");
    Account& who = account->second;
    const async::BootTime now = loop_.Now().boot;
    who.tokens = std::min(options_.rate_limit, who.tokens + absl::FDivDuration(now - who.refilled, absl::Minutes(1)) *
                                                                options_.rate_refill_per_minute);
    who.refilled = now;
    http::Response answer;
    const bool is_free = request.path == "/account/rate-limits";
    if (who.tokens < 1 && !is_free) {
      answer = Error(429, "rate_limit", "Your account reached the API rate limit. Please wait a few minutes.");
    } else if (who.refused == 402) {
      answer = Error(402, "delinquent", "You must pay your outstanding bill.");
    } else if (who.refused != 0) {
      answer = Error(who.refused, "suspended", "Your account is suspended.");
    } else {
      if (!is_free) who.tokens -= 1;
      answer = is_free ? Answer(200, {{"remaining", static_cast<int>(who.tokens)}}) : Route(request, who.name);
    }
    answer.headers.Set("RateLimit-Remaining", absl::StrCat(static_cast<int>(who.tokens)));
    return answer;
  }();
  response.headers.Set("Request-Id", request.headers.Get("Request-Id").value_or(absl::StrCat("sim-", requests_)));
  if (request.method == "GET" && response.status == 200) {
    const std::string etag = EtagOf(response.body.text);
    response.headers.Set("ETag", etag);
    if (request.headers.Get("If-None-Match") == etag) {
      response.status = 304;
      response.body = http::Body();
    }
  }
  co_return response;
}

http::Response SimulatedHeroku::Route(const http::ServerRequest& request, const std::string& account) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(request.path, '/', absl::SkipEmpty())) {
    const auto decoded = http::DecodeComponent(part);
    if (!decoded.ok()) return Error(400, "bad_request", "The path could not be read.");
    parts.push_back(*decoded);
  }
  if (parts.size() < 2 || parts[0] != "apps") {
    return Error(404, "not_found", "The requested API endpoint was not found.");
  }
  App* app = Find(parts[1]);
  if (app == nullptr) return Error(404, "not_found", "Couldn't find that app.");
  return RouteApp(request, *app, {parts.begin() + 2, parts.end()}, account);
}

http::Response SimulatedHeroku::RouteApp(const http::ServerRequest& request, App& app,
                                         const std::vector<std::string>& rest, const std::string& account) {
  const bool get = request.method == "GET";
  if (rest.empty() && get) {
    return Answer(200, {{"id", app.uuid}, {"name", app.name}, {"maintenance", app.maintenance}, {"space", nullptr},
                        {"created_at", kTime}, {"updated_at", kTime}});
  }
  if (rest.size() == 1 && rest[0] == "dynos" && get) return List(request, DynosJson(app));
  if (!rest.empty() && rest[0] == "formation") {
    if (rest.size() == 1 && get) {
      std::vector<nlohmann::json> items;
      for (const auto& [type, process] : app.processes) items.push_back(FormationJson(app, type, process));
      return List(request, std::move(items));
    }
    if (rest.size() == 1 && request.method == "PATCH") return PatchAll(request, app, account);
    if (rest.size() == 2 && app.processes.find(rest[1]) == app.processes.end()) {
      return Error(404, "not_found", absl::StrCat("Couldn't find that process type (", rest[1], ")."));
    }
    if (rest.size() == 2 && get) return Answer(200, FormationJson(app, rest[1], app.processes.at(rest[1])));
    if (rest.size() == 2 && request.method == "PATCH") return Patch(request, app, rest[1], account);
  }
  return Error(404, "not_found", "The requested API endpoint was not found.");
}

namespace {

// The body of a write; nullopt when it is not what the API takes.
std::optional<nlohmann::json> WriteBody(const http::ServerRequest& request) {
  const std::string type = request.headers.Get("Content-Type").value_or("");
  if (!absl::StartsWith(type, "application/json")) return std::nullopt;
  auto body = codec::ReadJson(request.body);
  if (!body.ok() || !body->is_object()) return std::nullopt;
  return *body;
}

}  // namespace

http::Response SimulatedHeroku::Patch(const http::ServerRequest& request, App& app, const std::string& type,
                                      const std::string& account) {
  const auto body = WriteBody(request);
  if (!body) return Error(400, "bad_request", "Unable to parse the JSON body.");
  return SetQuantity(app, type, *body, account);
}

http::Response SimulatedHeroku::PatchAll(const http::ServerRequest& request, App& app, const std::string& account) {
  const auto body = WriteBody(request);
  const nlohmann::json* updates = body ? codec::Find(*body, "updates") : nullptr;
  if (updates == nullptr || !updates->is_array()) return Error(400, "bad_request", "Unable to parse the JSON body.");
  const std::map<std::string, Process> before = app.processes;
  std::vector<nlohmann::json> changed;
  for (const nlohmann::json& update : *updates) {
    const std::string type = codec::StringOr(update, {"type"}, "");
    http::Response one = app.processes.contains(type) ? SetQuantity(app, type, update, account)
                                                      : Error(404, "not_found", "Couldn't find that process type.");
    if (one.status != 200) {
      app.processes = before;  // all or nothing
      return one;
    }
    changed.push_back(FormationJson(app, type, app.processes.at(type)));
  }
  return Answer(200, changed);
}

std::optional<nlohmann::json> SimulatedHeroku::LimitError(const App& app, const std::string& type, int quantity) const {
  const Process& process = app.processes.at(type);
  const std::optional<int> limit = SizeLimit(process.size);
  if (limit && quantity > *limit) {
    return nlohmann::json{{"id", "cannot_update_above_limit"},
                          {"limit", *limit},
                          {"message", absl::StrCat("Cannot update to more than ", *limit, " ", process.size,
                                                   " size dynos per process type.")}};
  }
  int total = quantity;
  for (const auto& [other, p] : app.processes) total += other == type ? 0 : p.quantity;
  if (total <= kAppLimit) return std::nullopt;
  return nlohmann::json{{"id", "cannot_update_above_limit"},
                        {"limit", kAppLimit},
                        {"message", absl::StrCat("Cannot update to more than ", kAppLimit, " dynos per app.")}};
}

http::Response SimulatedHeroku::SetQuantity(App& app, const std::string& type, const nlohmann::json& body,
                                            const std::string& account) {
  Process& process = app.processes.at(type);
  const nlohmann::json* given = codec::Find(body, "quantity");
  const auto record = [&](int to, http::Response answer) {
    writes_.push_back({loop_.Now(), account, app.name, type, process.quantity, to, answer.status});
    return answer;
  };
  // The CLI's relative "+1" is a string; a controller that sends one would scale twice on a retry.
  const std::optional<int64_t> quantity = given != nullptr && given->is_number_integer() ? codec::ToInt64(*given) : std::nullopt;
  if (!quantity || *quantity < 0 || *quantity > 1'000'000) {
    return record(-1, Error(422, "invalid_params", "quantity must be a whole number, 0 or more"));
  }
  const int to = static_cast<int>(*quantity);
  if (auto limit = LimitError(app, type, to)) return record(to, Answer(422, *std::move(limit)));
  (void)record(to, Answer(200, nullptr));
  Scale(process, to, true);
  return Answer(200, FormationJson(app, type, process));
}

nlohmann::json SimulatedHeroku::FormationJson(const App& app, const std::string& type, const Process& process) const {
  return {{"app", {{"id", app.uuid}, {"name", app.name}}}, {"command", absl::StrCat("bin/", type)},
          {"id", absl::StrCat("formation-", type)}, {"quantity", process.quantity}, {"size", process.size},
          {"type", type}, {"created_at", kTime}, {"updated_at", kTime}};
}

std::vector<nlohmann::json> SimulatedHeroku::DynosJson(const App& app) {
  std::vector<nlohmann::json> items;
  const async::BootTime now = loop_.Now().boot;
  for (const auto& [type, process] : app.processes) {
    for (const Dyno& dyno : process.dynos) {
      const char* state = dyno.up_at <= now ? "up" : (dyno.crashed ? "crashed" : "starting");
      items.push_back({{"id", dyno.id}, {"name", absl::StrCat(type, ".", dyno.number)}, {"type", type},
                       {"state", state}, {"size", process.size}, {"command", absl::StrCat("bin/", type)},
                       {"app", {{"id", app.uuid}, {"name", app.name}}}, {"attach_url", nullptr},
                       {"release", {{"id", "release-1"}, {"version", 1}}}, {"created_at", kTime}, {"updated_at", kTime}});
    }
  }
  std::sort(items.begin(), items.end(), [](const nlohmann::json& a, const nlohmann::json& b) {
    return a.at("id").get_ref<const std::string&>() < b.at("id").get_ref<const std::string&>();
  });
  return items;
}

// One page of a list sorted by id. `Range: id [start]..; max=N`, an exclusive start is written "]start".
http::Response SimulatedHeroku::List(const http::ServerRequest& request, std::vector<nlohmann::json> items) const {
  size_t max = options_.page;
  std::string start;
  bool exclusive = false;
  if (const auto header = request.headers.Get("Range")) {
    absl::string_view range = *header;
    if (!absl::ConsumePrefix(&range, "id ")) {
      return Error(416, "requested_range_not_satisfiable", "Only ranges of id are supported.");
    }
    const std::vector<std::string> parts = absl::StrSplit(range, ';');
    const std::string interval(absl::StripAsciiWhitespace(parts[0]));
    start = interval.substr(0, interval.find(".."));
    exclusive = absl::StartsWith(start, "]");
    if (exclusive) start.erase(0, 1);
    for (size_t i = 1; i < parts.size(); ++i) {
      absl::string_view option = absl::StripAsciiWhitespace(parts[i]);
      if (!absl::ConsumePrefix(&option, "max=")) continue;
      if (!absl::SimpleAtoi(option, &max) || max < 1 || max > 1000) {
        return Error(416, "requested_range_not_satisfiable", "max must be from 1 to 1000.");
      }
    }
  }
  const auto id = [](const nlohmann::json& item) { return item.at("id").get_ref<const std::string&>(); };
  if (!start.empty()) {
    std::erase_if(items, [&](const nlohmann::json& item) { return exclusive ? id(item) <= start : id(item) < start; });
  }
  if (items.size() <= max) return Answer(200, items);
  items.resize(max);
  const std::string next = absl::StrCat("id ]", id(items.back()), "..; max=", max);
  http::Response response = Answer(206, items);
  response.headers.Set("Next-Range", next);
  return response;
}

}  // namespace ottoscale::simulation
