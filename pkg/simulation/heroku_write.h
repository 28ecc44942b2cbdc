// The writes of a simulated Heroku: what a body asks for, and whether an app may have it. Values only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "pkg/http/http.h"
#include "pkg/simulation/heroku_app.h"

namespace ottoscale::simulation {

// What is asked for one process type.
struct Update {
  std::string type;
  int from = 0;
  std::optional<int> quantity;  // the whole number that was sent; nullopt when there was none
  std::string size;             // what was sent, else what it has
  bool size_sent = false;
  std::string problem;  // why it cannot be read, for people; "" when it can

  bool operator==(const Update&) const = default;
};

// The JSON object of a write; InvalidArgument in a sentence when there is none.
absl::StatusOr<nlohmann::json> WriteBody(const http::ServerRequest& request);

// {"quantity": 3}, {"size": "standard-2x"} or both, for the process type `type` of `app`; in a batch also "type". A
// quantity is a whole number: the CLI's relative "+1" is a string, and a scaler that sends one scales twice on a retry.
Update ParseUpdate(const nlohmann::json& object, const App& app, const std::string& type, bool in_batch);

// Why `app` may not have all of `updates`; nullopt when it may.
std::optional<FormationRefusal> RefusalOf(const App& app, const std::vector<Update>& updates, int app_limit);

}  // namespace ottoscale::simulation
