#include "operator/operator_configuration.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace ottoscale::operator_main {
namespace {

constexpr char kHead[] = "apiVersion: ottoscale.dev/v1alpha1\nkind: OperatorConfiguration\n";

TEST(OperatorConfiguration, SetsWhatItNamesAndLeavesTheRest) {
  const auto options = DecodeOperatorConfiguration("o.yaml", absl::StrCat(kHead,
                                                                          "watchNamespaces: [shop, blog]\n"
                                                                          "leaderElect: false\n"
                                                                          "renewDeadline: 8s\n"
                                                                          "maxCapacity: 20\n"
                                                                          "freeze: true\n"
                                                                          "logLevel: debug\n"));
  ASSERT_TRUE(options.ok()) << options.status();
  OperatorOptions expected;
  expected.watch_namespaces = {"shop", "blog"};
  expected.leader_elect = false;
  expected.renew_deadline = absl::Seconds(8);
  expected.common.max_capacity = 20;
  expected.common.freeze = true;
  expected.common.log_level = "debug";
  EXPECT_EQ(*options, expected);
}

TEST(OperatorConfiguration, NamesEveryMistakeWithItsPlace) {
  const auto options = DecodeOperatorConfiguration("o.yaml", absl::StrCat(kHead,
                                                                          "retryPeriod: often\n"
                                                                          "maxCapacty: 20\n"
                                                                          "logLevel: loud\n"
                                                                          "workers: 0\n"
                                                                          "allowCloud: [Heroku, heroku]\n"));
  EXPECT_EQ(std::string(options.status().message()),
            "o.yaml:3:14: retryPeriod: must be a duration such as 15s or 2m, found 'often'\n"
            "o.yaml:4:1: maxCapacty: is an unknown field, did you mean `maxCapacity`?\n"
            "o.yaml:5:11: logLevel: must be 'debug', 'info', 'warn' or 'error', found 'loud'\n"
            "o.yaml:6:10: workers: must be an integer from 1 to 10000, found 0\n"
            "o.yaml:7:13: allowCloud: must name clouds of this program, Heroku, found 'heroku'");
}

TEST(OperatorConfiguration, RefusesWhatIsNoConfiguration) {
  for (const char* text : {"", "[]", "kind: ScalingPolicy\napiVersion: ottoscale.dev/v1alpha1\n", "a: [",
                           "apiVersion: ottoscale.dev/v1alpha1\n"}) {
    EXPECT_EQ(DecodeOperatorConfiguration("o.yaml", text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace ottoscale::operator_main
