#include "operator/plot.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace ottoscale::operator_main {
namespace {

TEST(Plot, HasTheSameNumberOfLinesWhateverIsInIt) {
  const PlotStyle style{.width = 10};
  const size_t lines = RenderPlot({}, style).size();
  EXPECT_EQ(lines, 10u);
  EXPECT_EQ(RenderPlot(std::vector<PlotPoint>(30, {.load = 5, .response_ms = 2000, .dynos = 9}), style).size(), lines);
}

TEST(Plot, DrawsTheNewestAtTheRight) {
  const std::vector<std::string> lines = RenderPlot(
      {{.load = 0, .response_ms = 100, .dynos = 1}, {.load = 8, .response_ms = 1500, .dynos = 4}}, {.width = 4});
  EXPECT_EQ(lines[0], "load r/s       8 │   █");
  EXPECT_EQ(lines[3], "resp. ms    1500 │   █");
  EXPECT_EQ(lines[6], "                 │  ▂█");  // 100 of 1500 ms over 4 rows is 2 eighths of the lowest
  EXPECT_EQ(lines[8], "                 │  ▄█");
}

TEST(Plot, ShowsAGapWhereNothingWasMeasured) {
  const std::vector<std::string> lines = RenderPlot({{.load = 1, .dynos = 1}}, {.width = 1});
  EXPECT_TRUE(absl::EndsWith(lines[6], "│·")) << lines[6];
  EXPECT_TRUE(absl::StrContains(lines.back(), "response -")) << lines.back();
}

}  // namespace
}  // namespace ottoscale::operator_main
