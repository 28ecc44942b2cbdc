#include "pkg/simulation/list_page.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace ottoscale::simulation {
namespace {

std::vector<nlohmann::json> Items(absl::string_view ids) {
  std::vector<nlohmann::json> items;
  for (const char id : ids) items.push_back({{"id", std::string(1, id)}});
  return items;
}

// "abc|next range" or the error.
std::string Page(const std::optional<std::string>& range, absl::string_view ids = "ecbda", size_t page_size = 10) {
  const absl::StatusOr<ListPage> page = PageOf(Items(ids), range, page_size);
  if (!page.ok()) return "refused";
  std::string text;
  for (const nlohmann::json& item : page->items) text += item.at("id").get<std::string>();
  return page->next_range ? absl::StrCat(text, "|", *page->next_range) : text;
}

TEST(ListPage, ReadsRanges) {
  struct Row {
    std::optional<std::string> range;
    const char* page;
  };
  const std::vector<Row> rows = {
      {std::nullopt, "abcde"},
      {"id ..", "abcde"},
      {"id ..;", "abcde"},
      {"id b..", "bcde"},
      {"id ]b..", "cde"},
      {"id ..d", "abcd"},
      {"id ..]d", "abc"},
      {"id ]b..]d", "c"},
      {"id x..", ""},
      {"id ..; max=2", "ab|id ]b..; max=2"},
      {"id ]b..; max=2;", "cd|id ]d..; max=2"},
      {"id ]d..; max=2", "e"},
      {"id ..; max=5", "abcde"},
      {"id ..; order=desc", "edcba"},
      {"id ..; order=desc, max=2", "refused"},
      {"id ..; max=2; order=desc", "ed|id ]d..; max=2; order=desc"},
      {"id ]d..; max=2; order=desc", "cb|id ]b..; max=2; order=desc"},
      {"id ]a..]e; max=2", "bc|id ]c..]e; max=2"},
      {"name ..", "refused"},
      {"id", "refused"},
      {"id a", "refused"},
      {"id a..b..c", "refused"},
      {"id ..; max=0", "refused"},
      {"id ..; max=1001", "refused"},
      {"id ..; max=many", "refused"},
      {"id ..; sort=up", "refused"},
      {"", "refused"},
  };
  for (const Row& row : rows) EXPECT_EQ(Page(row.range), row.page) << row.range.value_or("no range");
}

TEST(ListPage, FollowingNextRangeSeesEachItemOnce) {
  const std::string all = "abcdefghijklmnopqrstuvwxyz";
  for (size_t page_size = 1; page_size <= all.size() + 1; ++page_size) {
    std::string seen;
    std::optional<std::string> range;
    for (int pages = 0; pages < 30; ++pages) {
      const absl::StatusOr<ListPage> page = PageOf(Items(all), range, page_size);
      ASSERT_TRUE(page.ok()) << page.status();
      for (const nlohmann::json& item : page->items) seen += item.at("id").get<std::string>();
      range = page->next_range;
      if (!range) break;
    }
    EXPECT_EQ(seen, all) << page_size;
  }
}

}  // namespace
}  // namespace ottoscale::simulation
