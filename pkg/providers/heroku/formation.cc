#include "pkg/providers/heroku/formation.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/http/check_request.h"
#include "pkg/providers/heroku/answers.h"

namespace ottoscale::heroku {
namespace {

using decision::Applied;
using decision::Refused;
using decision::TargetFailure;
using decision::TargetFault;
using decision::TargetReading;
using decision::TargetState;
using decision::WriteResult;

constexpr int kCallsPerRead = 3;  // see Note [What a reading costs]
constexpr int64_t kMaxQuantity = 1'000'000;
constexpr char kFirstPage[] = "id ..; max=1000;";
constexpr int kMaxPages = 100;
constexpr size_t kMaxNamed = 10;  // process types in a message

bool IsSuccess(const Answer& answer) { return answer.status >= 200 && answer.status < 300; }

// The JSON of a success; else a sentence that never quotes it.
absl::StatusOr<nlohmann::json> JsonOf(const Answer& answer) {
  if (!answer.body.ok()) return answer.body.status();
  absl::StatusOr<nlohmann::json> json = codec::ReadJson(*answer.body);
  if (!json.ok()) return absl::DataLossError("the answer is not JSON");
  return json;
}

// The quantity of a formation object of this type.
absl::StatusOr<int> QuantityOf(const Answer& answer, const std::string& type) {
  ASSIGN_OR_RETURN(const nlohmann::json json, JsonOf(answer));
  if (!json.is_object()) return absl::DataLossError("the answer is not a formation");
  if (codec::StringOr(json, {"type"}, type) != type)
    return absl::DataLossError("the answer is about another process type");
  ASSIGN_OR_RETURN(const int64_t quantity, codec::GetInt64(json, "quantity", 0, kMaxQuantity));
  return static_cast<int>(quantity);
}

// The names in a list of formation objects, sorted.
std::vector<std::string> TypesOf(const Answer& answer) {
  std::vector<std::string> out;
  const absl::StatusOr<nlohmann::json> json = JsonOf(answer);
  if (!json.ok() || !json->is_array()) return out;
  for (const nlohmann::json& formation : *json) {
    const std::string type = codec::StringOr(formation, {"type"}, "");
    if (!type.empty()) out.push_back(type);
  }
  std::sort(out.begin(), out.end());
  return out;
}

// How many dynos of a page are of this type and serve. An idle dyno of an Eco app serves: it wakes at the next request.
// States that we do not know do not.
absl::StatusOr<int> ReadyOn(const Answer& answer, const std::string& type) {
  ASSIGN_OR_RETURN(const nlohmann::json json, JsonOf(answer));
  if (!json.is_array()) return absl::DataLossError("the answer is not a list of dynos");
  int ready = 0;
  for (const nlohmann::json& dyno : json) {
    ASSIGN_OR_RETURN(const std::string dyno_type, codec::GetString(dyno, "type"));
    ASSIGN_OR_RETURN(const std::string state, codec::GetString(dyno, "state"));
    if (dyno_type == type && (state == "up" || state == "idle")) ++ready;
  }
  return ready;
}

bool IsUuidLike(const std::string& id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  });
}

std::string Quoted(absl::string_view text) { return absl::StrCat("'", Truncate(Printable(text), 64), "'"); }

// What a header of an answer says, when it may be sent back.
std::string Reusable(const Answer& answer, absl::string_view name) {
  const std::string value = answer.headers.Get(name).value_or("");
  return http::IsFieldValue(value) && value.size() <= 1024 ? value : "";
}

std::string AppPath(const std::string& which) { return absl::StrCat("/apps/", http::EncodeComponent(which)); }

}  // namespace

std::string Formation::TypePath(const App& app) const {
  return absl::StrCat(AppPath(app.id), "/formation/", http::EncodeComponent(config_.process_type));
}

Errand Formation::ErrandOf(std::string what) const { return {.what = std::move(what), .account = api_->account()}; }

async::Task<Formation::OrFailure<Formation::App>> Formation::AskForApp(std::string which, std::string etag,
                                                                       async::BootTime deadline) {
  const Errand errand = ErrandOf(absl::StrCat("read app ", Quoted(which)));
  Call call{.path = AppPath(which)};
  if (!etag.empty()) call.headers.Set("If-None-Match", etag);
  const absl::StatusOr<Answer> answer = co_await api_->Send(std::move(call), deadline);
  if (!answer.ok()) co_return FailedRead(errand, answer.status());
  if (answer->status == 304 && !etag.empty() && app_) co_return *app_;
  if (answer->status == 404 || answer->status == 410) {
    TargetFailure failure = FailedRead(errand, *answer);
    absl::StrAppend(&failure.message,
                    ": no such app, or the owner of the key may not see it: correct "
                    "`spec.target.herokuFormation.app`");
    co_return failure;
  }
  if (!IsSuccess(*answer)) co_return FailedRead(errand, *answer);
  const absl::StatusOr<nlohmann::json> json = JsonOf(*answer);
  if (!json.ok()) co_return FailedRead(errand, *answer, json.status().message());
  App app{.id = codec::StringOr(*json, {"id"}, ""), .name = codec::StringOr(*json, {"name"}, "")};
  if (!IsUuidLike(app.id) || app.name.empty())
    co_return FailedRead(errand, *answer, "`id` or `name` of the app is missing");
  // Absent means that nobody has switched it on.
  app.maintenance = codec::FindBool(*json, {"maintenance"}).value_or(false);
  app.etag = Reusable(*answer, "ETag");
  co_return app;
}

async::Task<Formation::OrFailure<Formation::App>> Formation::ReadApp(async::BootTime deadline) {
  if (app_) {
    OrFailure<App> known = co_await AskForApp(app_->id, app_->etag, deadline);
    const auto* failure = std::get_if<TargetFailure>(&known);
    if (failure == nullptr || failure->fault != TargetFault::kTargetNotFound) co_return known;
    // Deleted. Another app may have been made under the name: then the target has another identity from here on.
    app_.reset();
    api_->budget().Spend(1, api_->loop().Now().boot);
  }
  co_return co_await AskForApp(config_.app, "", deadline);
}

async::Task<Formation::OrFailure<int>> Formation::ReadQuantity(App app, async::BootTime deadline) {
  const Errand errand =
      ErrandOf(absl::StrCat("read formation ", Quoted(config_.process_type), " of app ", Quoted(app.name)));
  const absl::StatusOr<Answer> answer = co_await api_->Send({.path = TypePath(app)}, deadline);
  if (!answer.ok()) co_return FailedRead(errand, answer.status());
  if (answer->status == 404) co_return co_await NoSuchType(std::move(app), deadline);
  if (!IsSuccess(*answer)) co_return FailedRead(errand, *answer);
  const absl::StatusOr<int> quantity = QuantityOf(*answer, config_.process_type);
  if (!quantity.ok()) co_return FailedRead(errand, *answer, quantity.status().message());
  co_return *quantity;
}

// The app is there, its formation has no such type: name those that it has.
async::Task<TargetFailure> Formation::NoSuchType(App app, async::BootTime deadline) {
  api_->budget().Spend(1, api_->loop().Now().boot);
  const Errand errand = ErrandOf(absl::StrCat("read formation of app ", Quoted(app.name)));
  const absl::StatusOr<Answer> answer =
      co_await api_->Send({.path = absl::StrCat(AppPath(app.id), "/formation")}, deadline);
  if (!answer.ok()) co_return FailedRead(errand, answer.status());
  if (!IsSuccess(*answer)) co_return FailedRead(errand, *answer);
  const std::vector<std::string> types = TypesOf(*answer);
  if (std::find(types.begin(), types.end(), config_.process_type) != types.end()) {
    co_return TargetFailure{.fault = TargetFault::kUnavailable,
                            .message = absl::StrCat("app ", Quoted(app.name), " has just got the process type ",
                                                    Quoted(config_.process_type), ": read again")};
  }
  std::vector<std::string> names;
  for (const std::string& type : types) {
    if (names.size() < kMaxNamed) names.push_back(Quoted(type));
  }
  if (types.size() > kMaxNamed) names.push_back(absl::StrCat(types.size() - kMaxNamed, " more"));
  const std::string has =
      names.empty() ? "it has none: is it deployed?" : absl::StrCat("it has ", JoinWords(names, "and"));
  co_return TargetFailure{
      .fault = TargetFault::kTargetNotFound,
      .reason = "ProcessTypeNotFound",
      .message = absl::StrCat("app ", Quoted(app.name), " has no process type ", Quoted(config_.process_type), " (",
                              has, "): set spec.target.herokuFormation.processType")};
}

// Pages of 1,000: a partial answer is 206 and its Next-Range is the next Range. When a range is refused (416), the
// listing starts anew, once, with whatever pages the cloud likes.
async::Task<Formation::OrFailure<int>> Formation::CountReady(App app, async::BootTime deadline) {
  const Errand errand = ErrandOf(absl::StrCat("read dynos of app ", Quoted(app.name)));
  std::string range = kFirstPage;
  int ready = 0;
  bool restarted = false;
  for (int page = 0; page < kMaxPages; ++page) {
    if (page > 0) api_->budget().Spend(1, api_->loop().Now().boot);
    Call call{.path = absl::StrCat(AppPath(app.id), "/dynos")};
    if (!range.empty()) call.headers.Set("Range", range);
    const absl::StatusOr<Answer> answer = co_await api_->Send(std::move(call), deadline);
    if (!answer.ok()) co_return FailedRead(errand, answer.status());
    if (answer->status == 416 && !std::exchange(restarted, true)) {
      range.clear();
      ready = 0;
      continue;
    }
    if (!IsSuccess(*answer)) co_return FailedRead(errand, *answer);
    const absl::StatusOr<int> here = ReadyOn(*answer, config_.process_type);
    if (!here.ok()) co_return FailedRead(errand, *answer, here.status().message());
    ready += *here;
    if (answer->status != 206) co_return ready;
    std::string next = Reusable(*answer, "Next-Range");
    if (next.empty() || next == range) co_return FailedRead(errand, *answer, "`Next-Range` does not lead on");
    range = std::move(next);
  }
  co_return TargetFailure{.fault = TargetFault::kInvalidAnswer,
                          .message = absl::StrCat(errand.what, ": more than ", kMaxPages, " pages")};
}

async::Task<TargetReading> Formation::Read(async::BootTime deadline) {
  if (const std::optional<Shed> shed = api_->budget().TakeRead(kCallsPerRead, api_->loop().Now().boot)) {
    co_return TargetFailure{
        .fault = TargetFault::kRateLimited,
        .message = absl::StrCat("reads of CloudAccount '", api_->account().name, "' wait: ", shed->why),
        .retry_at = shed->retry_at};
  }
  OrFailure<App> app = co_await ReadApp(deadline);
  if (auto* failure = std::get_if<TargetFailure>(&app)) co_return std::move(*failure);
  app_ = std::get<App>(app);
  const App now = *app_;  // a copy: readings may overlap
  OrFailure<int> quantity = co_await ReadQuantity(now, deadline);
  if (auto* failure = std::get_if<TargetFailure>(&quantity)) co_return std::move(*failure);
  standing_ = std::get<int>(quantity);
  OrFailure<int> ready = co_await CountReady(now, deadline);
  if (auto* failure = std::get_if<TargetFailure>(&ready)) co_return std::move(*failure);
  co_return TargetState{
      .uid = absl::StrCat(now.id, "/", config_.process_type),
      .display = absl::StrCat("heroku/", Truncate(Printable(now.name), 64), "/", config_.process_type),
      .unit = "dynos",
      .desired = std::get<int>(quantity),
      .ready = std::get<int>(ready),
      .off = now.maintenance,
      .off_reason = now.maintenance ? absl::StrCat("app ", Quoted(now.name), " is in maintenance") : "",
      .read_at = api_->loop().Now()};
}

async::Task<WriteResult> Formation::SetCapacity(int capacity, async::BootTime deadline) {
  if (!app_) {
    co_return Refused{.kind = Refused::Kind::kBusy,
                      .message = absl::StrCat("app ", Quoted(config_.app), " has not been read yet: nothing was sent")};
  }
  const App app = *app_;
  const Errand errand =
      ErrandOf(absl::StrCat("set ", Quoted(config_.process_type), " of app ", Quoted(app.name), " to ", capacity));
  api_->budget().Spend(1, api_->loop().Now().boot);
  // The quantity alone, absolute: the size is not ours, and a relative one would count twice when it comes twice.
  Call call{.method = "PATCH", .path = TypePath(app), .body = codec::Dump({{"quantity", capacity}})};
  const absl::StatusOr<Answer> answer = co_await api_->Send(std::move(call), deadline);
  if (!answer.ok()) co_return FailedWrite(errand, answer.status());
  if (!IsSuccess(*answer)) co_return FailedWrite(errand, *answer, capacity, standing_);
  const absl::StatusOr<int> quantity = QuantityOf(*answer, config_.process_type);
  if (!quantity.ok()) co_return FailedWrite(errand, *answer, capacity, standing_, quantity.status().message());
  standing_ = *quantity;
  co_return Applied{.capacity = *quantity};
}

}  // namespace ottoscale::heroku
