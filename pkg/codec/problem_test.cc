#include "pkg/codec/problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ottoscale::codec {
namespace {

TEST(Path, ReadsAsPeopleWriteItAndLooksUpAsJsonPointer) {
  const Path path = Path().Key("spec").Key("metrics").Index(0).Key("a/b~c d");
  EXPECT_EQ(path.text, "spec.metrics[0][\"a/b~c d\"]");
  EXPECT_EQ(path.pointer, "/spec/metrics/0/a~1b~0c d");
}

TEST(FormatProblem, LeavesOutWhatIsUnknown) {
  const Problem full = {.line = 3, .column = 7, .path = "spec.mode", .message = "must be 'Enforce'"};
  EXPECT_EQ(FormatProblem("a.yaml", full), "a.yaml:3:7: spec.mode: must be 'Enforce'");
  EXPECT_EQ(FormatProblem("a.yaml", {.message = "is empty"}), "a.yaml: is empty");
  EXPECT_EQ(FormatProblem("", {.path = "spec", .message = "is empty"}), "spec: is empty");
}

TEST(Positions, AnswerWithTheNearestAncestor) {
  Positions positions;
  positions.Set("", {}, {1, 1});
  positions.Set("/spec", {1, 1}, {2, 3});
  EXPECT_EQ(positions.ValueOf("/spec/a/b"), (Position{2, 3}));
  EXPECT_EQ(positions.KeyOf("/spec/a/b"), (Position{1, 1}));
  EXPECT_EQ(positions.ValueOf("/other"), (Position{1, 1}));
  EXPECT_EQ(Positions().ValueOf("/other"), (Position{}));
}

}  // namespace
}  // namespace ottoscale::codec
