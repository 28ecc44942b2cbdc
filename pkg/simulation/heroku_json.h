// What a simulated Heroku says: answers, errors and the JSON of its objects, as in the reference.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "pkg/http/http.h"
#include "pkg/simulation/heroku_app.h"

namespace ottoscale::simulation {

http::Response JsonAnswer(int status, const nlohmann::json& body);
// {id, message, url} and what stands in `more`.
http::Response ErrorAnswer(int status, absl::string_view id, absl::string_view message,
                           nlohmann::json more = nlohmann::json::object());
// The answer to a GET: with an ETag, and 304 without a body when `if_none_match` names it.
void AddEtag(http::Response& response, absl::string_view if_none_match);

nlohmann::json AppJson(const App& app);
nlohmann::json FormationJson(const App& app, const std::string& type);
std::vector<nlohmann::json> DynosJson(const App& app, async::BootTime now);
nlohmann::json DynoSizesJson();

}  // namespace ottoscale::simulation
