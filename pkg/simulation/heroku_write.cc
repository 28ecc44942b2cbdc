#include "pkg/simulation/heroku_write.h"

#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/codec/json.h"

namespace ottoscale::simulation {
namespace {

constexpr int64_t kMostQuantity = 1'000'000;

std::optional<int> WholeNumber(const nlohmann::json* value) {
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;  // not 3.0, not "3"
  const std::optional<int64_t> number = codec::ToInt64(*value);
  if (!number || *number < 0 || *number > kMostQuantity) return std::nullopt;
  return static_cast<int>(*number);
}

std::string ProblemOf(const nlohmann::json& object, const Update& update, bool in_batch) {
  if (!object.is_object()) return "An update must be an object.";
  for (const auto& [name, value] : object.items()) {
    if (name == "quantity" || name == "size" || (in_batch && name == "type")) continue;
    return absl::StrCat("Unknown member ", name, ".");
  }
  if (!object.contains("quantity") && !object.contains("size")) return "quantity or size is required.";
  if (object.contains("quantity") && !update.quantity) return "quantity must be a whole number, 0 or more.";
  if (FindDynoSize(update.size) == nullptr) return "There is no such dyno size.";
  return "";
}

}  // namespace

absl::StatusOr<nlohmann::json> WriteBody(const http::ServerRequest& request) {
  const std::string header = request.headers.Get("Content-Type").value_or("");
  const std::vector<absl::string_view> parts = absl::StrSplit(header, ';');
  if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(parts[0]), "application/json")) {
    return absl::InvalidArgumentError("Content-Type must be application/json.");
  }
  absl::StatusOr<nlohmann::json> body = codec::ReadJson(request.body);
  if (!body.ok() || !body->is_object()) return absl::InvalidArgumentError("Unable to parse the JSON body.");
  return body;
}

Update ParseUpdate(const nlohmann::json& object, const App& app, const std::string& type, bool in_batch) {
  const Process& process = app.processes.at(type);
  Update update{.type = type, .from = process.quantity, .size = process.size};
  update.quantity = WholeNumber(codec::Find(object, "quantity"));
  update.size_sent = object.is_object() && object.contains("size");
  if (update.size_sent) update.size = codec::StringOr(object, {"size"}, "");
  update.problem = ProblemOf(object, update, in_batch);
  if (const DynoSize* size = FindDynoSize(update.size)) update.size = std::string(size->name);
  return update;
}

std::optional<FormationRefusal> RefusalOf(const App& app, const std::vector<Update>& updates, int app_limit) {
  const Formation before = FormationOf(app);
  Formation after = before;
  std::set<std::string> seen;
  for (const Update& update : updates) {
    if (!update.problem.empty()) return FormationRefusal{"invalid_params", update.problem, std::nullopt};
    if (!seen.insert(update.type).second) {
      return FormationRefusal{"invalid_params", absl::StrCat("Two updates of ", update.type, "."), std::nullopt};
    }
    after[update.type] = {update.size, update.quantity.value_or(update.from)};
  }
  return CheckFormation(before, after, app_limit);
}

}  // namespace ottoscale::simulation
