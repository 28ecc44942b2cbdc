#include "pkg/simulation/dyno_sizes.h"

#include <gtest/gtest.h>

namespace ottoscale::simulation {
namespace {

TEST(DynoSizes, AreFoundInAnyLetterCase) {
  EXPECT_EQ(FindDynoSize("standard-1x"), FindDynoSize("Standard-1X"));
  EXPECT_NE(FindDynoSize("Standard-1X"), nullptr);
  EXPECT_EQ(FindDynoSize("Standard"), nullptr);
}

TEST(CheckFormation, KeepsToTheLimits) {
  struct Row {
    const char* what;
    Formation before;
    Formation after;
    std::optional<int> limit;
    std::string id;  // "": allowed
  };
  const std::string above = "cannot_update_above_limit";
  const std::vector<Row> rows = {
      {"standard", {{"web", {"Standard-1X", 1}}}, {{"web", {"Standard-1X", 100}}}, {}, ""},
      {"zero", {{"web", {"Standard-1X", 1}}}, {{"web", {"Standard-1X", 0}}}, {}, ""},
      {"app limit", {{"web", {"Standard-1X", 1}}}, {{"web", {"Standard-1X", 101}}}, 100, above},
      {"app limit over types",
       {{"web", {"Standard-1X", 1}}, {"job", {"Standard-2X", 60}}},
       {{"web", {"Standard-1X", 41}}, {"job", {"Standard-2X", 60}}},
       100,
       above},
      {"shrinks, still over", {{"web", {"Standard-1X", 200}}}, {{"web", {"Standard-1X", 150}}}, {}, ""},
      {"basic", {{"web", {"Basic", 1}}}, {{"web", {"Basic", 2}}}, 1, above},
      {"eco", {{"web", {"Eco", 1}}}, {{"web", {"Eco", 2}}}, 1, above},
      {"two eco types", {{"a", {"Eco", 1}}, {"b", {"Eco", 0}}}, {{"a", {"Eco", 1}}, {"b", {"Eco", 1}}}, {}, ""},
      {"three eco types",
       {{"a", {"Eco", 1}}, {"b", {"Eco", 1}}, {"c", {"Eco", 0}}},
       {{"a", {"Eco", 1}}, {"b", {"Eco", 1}}, {"c", {"Eco", 1}}},
       2,
       above},
      {"performance", {{"web", {"Performance-M", 1}}}, {{"web", {"Performance-M", 10}}}, {}, ""},
      {"performance above", {{"web", {"Performance-M", 1}}}, {{"web", {"Performance-M", 11}}}, 10, above},
      {"resize above", {{"web", {"Standard-1X", 11}}}, {{"web", {"Performance-L", 11}}}, 10, above},
      {"eco and standard",
       {{"a", {"Eco", 1}}, {"b", {"Standard-1X", 0}}},
       {{"a", {"Eco", 1}}, {"b", {"Standard-1X", 1}}},
       {},
       "invalid_params"},
      {"private and common",
       {{"a", {"Private-S", 1}}, {"b", {"Standard-1X", 0}}},
       {{"a", {"Private-S", 1}}, {"b", {"Standard-1X", 1}}},
       {},
       "invalid_params"},
      {"basic and standard",
       {{"a", {"Basic", 1}}, {"b", {"Standard-1X", 0}}},
       {{"a", {"Basic", 1}}, {"b", {"Standard-1X", 5}}},
       {},
       ""},
  };
  for (const Row& row : rows) {
    const auto refusal = CheckFormation(row.before, row.after, 100);
    EXPECT_EQ(refusal ? refusal->id : "", row.id) << row.what;
    EXPECT_EQ(refusal ? refusal->limit : std::nullopt, row.limit) << row.what;
  }
}

TEST(CheckFormation, SaysItAsHerokuDoes) {
  const auto refusal = CheckFormation({{"web", {"Basic", 1}}}, {{"web", {"Basic", 2}}}, 100);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->message, "Cannot update to more than 1 Basic size dynos per process type.");
}

}  // namespace
}  // namespace ottoscale::simulation
