#include "pkg/simulation/heroku.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pkg/base/check.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/simulation/heroku_json.h"
#include "pkg/simulation/list_page.h"

namespace ottoscale::simulation {
namespace {

constexpr char kAccept[] = "application/vnd.heroku+json; version=3";
constexpr char kRateLimits[] = "/account/rate-limits";

http::Response NoEndpoint() { return ErrorAnswer(404, "not_found", "The requested API endpoint was not found."); }
http::Response NoType(absl::string_view type) {
  return ErrorAnswer(404, "not_found", absl::StrCat("Couldn't find that process type (", type, ")."));
}

// The decoded segments of a path; empty when one of them is empty or malformed, as behind a trailing slash.
std::vector<std::string> Segments(absl::string_view path) {
  if (!absl::ConsumePrefix(&path, "/")) return {};
  std::vector<std::string> segments;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    const absl::StatusOr<std::string> decoded = http::DecodeComponent(part);
    if (!decoded.ok() || decoded->empty()) return {};
    segments.push_back(*decoded);
  }
  return segments;
}

}  // namespace

std::string Describe(const HerokuWrite& write) {
  std::string line = absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", write.at.wall, absl::UTCTimeZone()), " ",
                                  write.who, " ", write.app, "/", write.type, " ", write.from, " -> ", write.to);
  if (!write.accepted()) absl::StrAppend(&line, ": ", write.status, " ", write.error);
  return line;
}

SimulatedHeroku::SimulatedHeroku(async::Loop& loop, HerokuOptions options)
    : loop_(loop),
      options_(options),
      strangers_{TokenBucket(options.rate_limit, options.rate_refill_per_minute, loop.Now().boot)} {}

// ------------------------------------------------------------------------------------------------ the world's switches

void SimulatedHeroku::AddAccount(const std::string& name, const std::string& key) {
  account_of_[key] = name;
  accounts_.try_emplace(name,
                        Account{TokenBucket(options_.rate_limit, options_.rate_refill_per_minute, loop_.Now().boot)});
}
void SimulatedHeroku::RevokeKey(const std::string& key) { account_of_.erase(key); }
void SimulatedHeroku::RefuseAccount(const std::string& name, int status) {
  accounts_.at(name).refused = status == 200 ? 0 : status;
}
void SimulatedHeroku::SetRemaining(const std::string& name, double tokens) {
  Account& account = accounts_.at(name);
  (void)account.bucket.Remaining(loop_.Now().boot);  // what came before now does not come on top
  account.bucket.Set(tokens);
}

void SimulatedHeroku::AddApp(const std::string& name, const std::string& uuid, const std::string& type, int quantity,
                             const std::string& size) {
  CHECK(Find(name) == nullptr && Find(uuid) == nullptr, "names and UUIDs of apps are unique");
  apps_[uuid] = {.uuid = uuid, .name = name, .created = loop_.Now().wall};
  AddProcess(name, type, quantity, size);
}

void SimulatedHeroku::AddProcess(const std::string& app, const std::string& type, int quantity,
                                 const std::string& size) {
  CHECK(FindDynoSize(size) != nullptr, "an unknown dyno size");
  Process& process = Get(app).processes[type];
  process.id = NewUuid(loop_.random());
  ScaleTo(process, {size, quantity}, Times(), loop_.Now(), loop_.random(), true);
}

void SimulatedHeroku::RemoveApp(const std::string& app) { apps_.erase(Get(app).uuid); }
void SimulatedHeroku::AddCollaborator(const std::string& app, const std::string& account) {
  Get(app).collaborators.push_back(account);
}

bool SimulatedHeroku::HumanScales(const std::string& app_name, const std::string& type, int quantity) {
  App& app = Get(app_name);
  const Process& process = Get(app_name, type);
  const Update update{.type = type, .from = process.quantity, .quantity = quantity, .size = process.size};
  return !Apply(app, {update}, "human").has_value();
}

void SimulatedHeroku::HumanResizes(const std::string& app, const std::string& type, const std::string& size) {
  Process& process = Get(app, type);
  CHECK(FindDynoSize(size) != nullptr, "an unknown dyno size");
  ScaleTo(process, {size, process.quantity}, Times(), loop_.Now(), loop_.random());
}
void SimulatedHeroku::SetMaintenance(const std::string& app, bool on) { Get(app).maintenance = on; }
void SimulatedHeroku::Rename(const std::string& app, const std::string& name) { Get(app).name = name; }
void SimulatedHeroku::SetReleaseRunning(const std::string& app, bool on) { Get(app).release_running = on; }
void SimulatedHeroku::Crash(const std::string& app, const std::string& type) {
  CrashNewest(Get(app, type), Times(), loop_.Now(), loop_.random());
}
void SimulatedHeroku::SetBootFails(const std::string& app, const std::string& type, bool on) {
  Get(app, type).boot_fails = on;
}
void SimulatedHeroku::SetAsleep(const std::string& app, const std::string& type, bool on) {
  Get(app, type).asleep = on;
}

int SimulatedHeroku::Quantity(const std::string& app, const std::string& type) const {
  return Get(app).processes.at(type).quantity;
}
int SimulatedHeroku::Up(const std::string& app, const std::string& type) const {
  return Serving(Get(app).processes.at(type), loop_.Now().boot);
}
bool SimulatedHeroku::Maintenance(const std::string& app) const { return Get(app).maintenance; }

const App* SimulatedHeroku::Find(const std::string& name_or_uuid) const {
  for (const auto& [uuid, app] : apps_) {
    if (uuid == name_or_uuid || app.name == name_or_uuid) return &app;
  }
  return nullptr;
}
const App& SimulatedHeroku::Get(const std::string& name_or_uuid) const {
  const App* app = Find(name_or_uuid);
  CHECK(app != nullptr, name_or_uuid);
  return *app;
}
App& SimulatedHeroku::Get(const std::string& name_or_uuid) {
  return apps_.at(std::as_const(*this).Get(name_or_uuid).uuid);
}
Process& SimulatedHeroku::Get(const std::string& app, const std::string& type) { return Get(app).processes.at(type); }

DynoTimes SimulatedHeroku::Times() const {
  return {options_.boot_min, options_.boot_max, options_.stop_min, options_.stop_max};
}

// ------------------------------------------------------------------------------------------------ requests

async::Task<http::Response> SimulatedHeroku::Handle(http::ServerRequest request) {
  ++requests_;
  const Caller caller = CallerOf(request);
  http::Response answer = Answer(request, caller);
  if (request.method == "GET" && answer.status == 200) {
    AddEtag(answer, request.headers.Get("If-None-Match").value_or(""));
  }
  answer.headers.Set("RateLimit-Remaining", absl::StrCat(caller.account.bucket.Remaining(loop_.Now().boot)));
  answer.headers.Set("Request-Id", request.headers.Get("Request-Id").value_or(absl::StrCat("sim-", requests_)));
  ++answers_[answer.status];
  co_return answer;
}

SimulatedHeroku::Caller SimulatedHeroku::CallerOf(const http::ServerRequest& request) {
  const std::string header = request.headers.Get("Authorization").value_or("");
  absl::string_view key = header;
  if (absl::ConsumePrefix(&key, "Bearer ")) {
    const auto found = account_of_.find(std::string(key));
    if (found != account_of_.end()) return {found->second, accounts_.at(found->second), true};
  }
  return {"", strangers_, false};
}

http::Response SimulatedHeroku::Answer(const http::ServerRequest& request, const Caller& caller) {
  const bool is_free = request.method == "GET" && request.path == kRateLimits;
  if (!is_free && !caller.account.bucket.Take(loop_.Now().boot)) {
    return ErrorAnswer(429, "rate_limit", "Your account reached the API rate limit. Please wait a few minutes.");
  }
  if (request.headers.Get("Accept") != kAccept) {
    return ErrorAnswer(406, "not_acceptable", absl::StrCat("The Accept header must be ", kAccept, "."));
  }
  if (!caller.known) return ErrorAnswer(401, "unauthorized", "Invalid credentials provided.");
  if (caller.account.refused == 402) return ErrorAnswer(402, "delinquent", "You must pay your outstanding bill.");
  if (caller.account.refused != 0)
    return ErrorAnswer(caller.account.refused, "suspended", "Your account is suspended.");
  if (is_free) return JsonAnswer(200, {{"remaining", caller.account.bucket.Remaining(loop_.Now().boot)}});
  return Route(request, caller);
}

http::Response SimulatedHeroku::Route(const http::ServerRequest& request, const Caller& caller) {
  const std::vector<std::string> parts = Segments(request.path);
  if (parts.size() == 1 && parts[0] == "dyno-sizes" && request.method == "GET") return JsonAnswer(200, DynoSizesJson());
  if (parts.size() < 2 || parts[0] != "apps") return NoEndpoint();
  const App* found = Find(parts[1]);
  if (found == nullptr) return ErrorAnswer(404, "not_found", "Couldn't find that app.");
  App& app = Get(found->uuid);
  const auto& may = app.collaborators;
  if (!may.empty() && std::find(may.begin(), may.end(), caller.name) == may.end()) {
    return ErrorAnswer(403, "forbidden", absl::StrCat("You do not have access to the app ", app.name, "."));
  }
  return RouteApp(request, app, {parts.begin() + 2, parts.end()}, caller);
}

http::Response SimulatedHeroku::RouteApp(const http::ServerRequest& request, App& app,
                                         const std::vector<std::string>& rest, const Caller& caller) {
  const bool formation = !rest.empty() && rest[0] == "formation" && rest.size() <= 2;
  if (formation && rest.size() == 2 && !app.processes.contains(rest[1])) {
    return NoType(rest[1]);
  }
  if (request.method == "GET") return Read(request, app, rest);
  if (request.method == "PATCH" && formation) return Write(request, app, rest.size() == 2 ? rest[1] : "", caller);
  return NoEndpoint();
}

http::Response SimulatedHeroku::Read(const http::ServerRequest& request, const App& app,
                                     const std::vector<std::string>& rest) {
  if (rest.empty()) return JsonAnswer(200, AppJson(app));
  if (rest.size() == 2 && rest[0] == "formation") return JsonAnswer(200, FormationJson(app, rest[1]));
  if (rest.size() != 1) return NoEndpoint();
  if (rest[0] == "dynos") return List(request, DynosJson(app, loop_.Now().boot));
  if (rest[0] != "formation") return NoEndpoint();
  std::vector<nlohmann::json> items;
  for (const auto& [type, process] : app.processes) items.push_back(FormationJson(app, type));
  return List(request, std::move(items));
}

http::Response SimulatedHeroku::List(const http::ServerRequest& request, std::vector<nlohmann::json> items) const {
  absl::StatusOr<ListPage> page = PageOf(std::move(items), request.headers.Get("Range"), options_.page);
  if (!page.ok()) return ErrorAnswer(416, "requested_range_not_satisfiable", page.status().message());
  http::Response answer = JsonAnswer(page->next_range ? 206 : 200, page->items);
  answer.headers.Set("Accept-Ranges", "id");
  if (page->next_range) answer.headers.Set("Next-Range", *page->next_range);
  return answer;
}

// ------------------------------------------------------------------------------------------------ writes

// `type` is "" for a batch.
http::Response SimulatedHeroku::Write(const http::ServerRequest& request, App& app, const std::string& type,
                                      const Caller& caller) {
  const bool batch = type.empty();
  const absl::StatusOr<nlohmann::json> body = WriteBody(request);
  if (!body.ok()) return ErrorAnswer(400, "bad_request", body.status().message());
  const nlohmann::json* list = codec::Find(*body, "updates");
  if (batch && (list == nullptr || !list->is_array() || list->empty() || body->size() != 1)) {
    return ErrorAnswer(422, "invalid_params", "updates must be a list of {type, quantity}, and nothing else.");
  }
  std::vector<Update> updates;
  for (const nlohmann::json& part : batch ? *list : nlohmann::json::array({*body})) {
    const std::string of = batch ? codec::StringOr(part, {"type"}, "") : type;
    if (!app.processes.contains(of)) return NoType(of);
    updates.push_back(ParseUpdate(part, app, of, batch));
  }
  if (app.release_running) {
    Record(app, updates, caller.name, 409, "conflict");
    return ErrorAnswer(409, "conflict", "A release is running. Please try again later.");
  }
  if (const auto refusal = Apply(app, updates, caller.name)) {
    nlohmann::json more = nlohmann::json::object();
    if (refusal->limit) more["limit"] = *refusal->limit;
    return ErrorAnswer(422, refusal->id, refusal->message, std::move(more));
  }
  if (!batch) return JsonAnswer(200, FormationJson(app, type));
  nlohmann::json changed = nlohmann::json::array();
  for (const Update& update : updates) changed.push_back(FormationJson(app, update.type));
  return JsonAnswer(200, changed);
}

std::optional<FormationRefusal> SimulatedHeroku::Apply(App& app, const std::vector<Update>& updates,
                                                       const std::string& who) {
  const std::optional<FormationRefusal> refusal = RefusalOf(app, updates, options_.app_limit);
  if (!refusal) {
    for (const Update& update : updates) {
      const Scale to{update.size, update.quantity.value_or(update.from)};
      ScaleTo(app.processes.at(update.type), to, Times(), loop_.Now(), loop_.random());
    }
  }
  Record(app, updates, who, refusal ? 422 : 200, refusal ? refusal->id : "");
  return refusal;
}

void SimulatedHeroku::Record(const App& app, const std::vector<Update>& updates, const std::string& who, int status,
                             const std::string& error) {
  for (const Update& update : updates) {
    const int to = update.quantity.value_or(update.problem.empty() ? update.from : -1);
    writes_.push_back({.at = loop_.Now(),
                       .who = who,
                       .app = app.name,
                       .type = update.type,
                       .from = update.from,
                       .to = to,
                       .status = status,
                       .error = error,
                       .size_sent = update.size_sent});
    if (on_write_) on_write_(HerokuWrite(writes_.back()));
  }
}

}  // namespace ottoscale::simulation
