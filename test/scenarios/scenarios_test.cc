// Runs every folder NNN-name here: policy.yaml, series.csv, expected.txt. A timeline that differs is printed whole, so
// that a wanted change is a copy into expected.txt.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "test/scenarios/scenario.h"

namespace ottoscale::scenarios {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Folders() {
  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(OTTOSCALE_SOURCE_DIR) + "/test/scenarios")) {
    if (entry.is_directory()) folders.push_back(entry.path().filename().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, GoesAsExpected) {
  const std::filesystem::path folder = std::filesystem::path(OTTOSCALE_SOURCE_DIR) / "test/scenarios" / GetParam();
  const auto spec = ParsePolicy(ReadFile(folder / "policy.yaml"));
  ASSERT_TRUE(spec.ok()) << spec.status();
  const auto series = ParseSeries(ReadFile(folder / "series.csv"));
  ASSERT_TRUE(series.ok()) << series.status();
  const std::string timeline = Play(*spec, *series);
  EXPECT_EQ(timeline, ReadFile(folder / "expected.txt")) << "the timeline of " << GetParam() << ":\n" << timeline;
  EXPECT_EQ(timeline, Play(*spec, *series)) << "and again";
}

INSTANTIATE_TEST_SUITE_P(All, Scenario, testing::ValuesIn(Folders()), [](const auto& test) {
  std::string name = test.param;
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
});

}  // namespace
}  // namespace ottoscale::scenarios
