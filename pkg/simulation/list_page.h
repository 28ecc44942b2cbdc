// Paging of the Heroku Platform API: `Range: id [start]..[end]; max=200; order=asc;`, where a start or end written as
// "]x" is exclusive. A list that goes on is answered with 206 and a Next-Range to send back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace ottoscale::simulation {

struct ListPage {
  std::vector<nlohmann::json> items;
  std::optional<std::string> next_range;  // when there is more
};

// The page of `items` (objects with the string member `id`) that `range` names; without a range the first `page_size`.
// InvalidArgument in a sentence when the range is malformed, not by id, or asks for less than 1 or more than 1000.
absl::StatusOr<ListPage> PageOf(std::vector<nlohmann::json> items, const std::optional<std::string>& range,
                                size_t page_size);

}  // namespace ottoscale::simulation
