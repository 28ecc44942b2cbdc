#include "pkg/backtest/assertion.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ottoscale::backtest {
namespace {

struct Case {
  const char* text;
  bool holds;
  const char* sentence;
};

TEST(Assertion, ComparesAFigureWithALimit) {
  const simulation::Figures figures{.server_hours = 12.5, .requests_over_capacity_percent = 0.1, .adaptations = 7};
  const std::vector<Case> cases = {
      {"requestsOverCapacityPercent<0.1", false, "requestsOverCapacityPercent < 0.1 does not hold: found 0.1"},
      {"requestsOverCapacityPercent<=0.1", true, "requestsOverCapacityPercent <= 0.1 holds: found 0.1"},
      {" serverHours  >  12 ", true, "serverHours > 12 holds: found 12.5"},
      {"serverHours>=12.5", true, "serverHours >= 12.5 holds: found 12.5"},
      {"serverHours>1.25e1", false, "serverHours > 1.25e1 does not hold: found 12.5"},
      {"adaptations==7", true, "adaptations == 7 holds: found 7"},
      {"adaptations=8", false, "adaptations == 8 does not hold: found 7"},
  };
  for (const Case& c : cases) {
    const auto assertion = ParseAssertion(c.text);
    ASSERT_TRUE(assertion.ok()) << c.text << ": " << assertion.status();
    const Verdict verdict = Judge(*assertion, figures);
    EXPECT_EQ(verdict.holds, c.holds) << c.text;
    EXPECT_EQ(verdict.sentence, c.sentence);
  }
}

TEST(Assertion, RefusesTheRestInOneSentence) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"serverHour<3", "there is no figure 'serverHour': did you mean 'serverHours'?"},
      {"cost<3",
       "there is no figure 'cost': there is serverHours, requestsOverCapacityPercent, thetaUPercent, thetaOPercent, "
       "tauUPercent, tauOPercent, instabilityPercent, adaptations, reversals, longestUnderSeconds, "
       "p95ResponseMilliseconds and peakInstances"},
      {"serverHours",
       "'serverHours' has none of <, <=, >, >=, ==: expected a figure and a limit, such as "
       "requestsOverCapacityPercent<0.1"},
      {"serverHours<", "'' is no number: serverHours is compared with one"},
      {"serverHours<x", "'x' is no number: serverHours is compared with one"},
      {"serverHours<nan", "'nan' is no number: serverHours is compared with one"},
      {"serverHours<<3", "'<3' is no number: serverHours is compared with one"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(ParseAssertion(text).status().message(), message);
}

TEST(FigureNames, AreReadableNumbers) {
  const std::vector<std::pair<double, const char*>> cases = {
      {0, "0"},      {0.00004, "0"}, {0.0025, "0.0025"}, {0.5, "0.5"},     {2.5683, "2.57"},
      {12.04, "12"}, {915, "915"},   {1092.4, "1092"},   {-3.25, "-3.25"}, {100000, "100000"}};
  for (const auto& [value, words] : cases) EXPECT_EQ(FigureWords(value), words);
}

}  // namespace
}  // namespace ottoscale::backtest
