#include "pkg/codec/object_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::codec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// "line:column path: message" for each.
std::vector<std::string> Lines(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (const Problem& p : problems) out.push_back(absl::StrCat(p.line, ":", p.column, " ", FormatProblem(p)));
  return out;
}

class ObjectReaderTest : public ::testing::Test {
 protected:
  const nlohmann::json& Load(absl::string_view text) {
    Documents parsed = ParseYaml(text);
    EXPECT_THAT(Lines(parsed.problems), IsEmpty());
    document_ = std::move(parsed.documents.at(0));
    return document_.value;
  }
  Document document_;
  Report report_{&document_.positions};
};

enum class Color { kRed, kBlue };

TEST_F(ObjectReaderTest, ReportsEveryMistakeWithItsPlaceAndGoesOn) {
  const nlohmann::json& root = Load(R"(
spec:
  int: 7
  big: 5.5
  text: 12
  empty: ''
  bool: yes
  color: blu
  list: 5
  short: [a, 1, c]
  dec: 1000m
  child: [1]
  tpyo: 1
  weird key/x: 1
)");
  ObjectReader o(root.at("spec"), Path().Key("spec"), report_);
  EXPECT_EQ(o.Int("int", {1, 5}), std::nullopt);
  EXPECT_EQ(o.Int("big", {1, 5}), std::nullopt);
  EXPECT_EQ(o.String("text", {1, 5}), std::nullopt);
  EXPECT_EQ(o.String("empty", {1, 5}), std::nullopt);
  EXPECT_EQ(o.Bool("bool"), std::nullopt);
  EXPECT_EQ((o.Enum<Color>("color", {{"red", Color::kRed}, {"blue", Color::kBlue}})), std::nullopt);
  EXPECT_THAT(o.List("list", {0, 5}), IsEmpty());
  EXPECT_EQ(o.Strings("short", {0, 2}, {1, 5}), std::vector<std::string>{"a"});
  EXPECT_EQ(o.Decimal("dec", 0, 100), std::nullopt);
  EXPECT_FALSE(o.Object("child").present());
  EXPECT_FALSE(o.Object("absent").present());
  o.Require("typo");
  o.Require("needed", "nothing works without it");
  o.Finish();
  EXPECT_THAT(Lines(report_.Take()),
              ElementsAre("2:1 spec.needed: is required: nothing works without it",
                          "3:8 spec.int: must be an integer from 1 to 5, found 7",
                          "4:8 spec.big: must be an integer from 1 to 5, found 5.5",
                          "5:9 spec.text: must be a string, found 12: quote it",  //
                          "6:10 spec.empty: must not be empty",
                          "7:9 spec.bool: must be true or false, found 'yes', which is text in YAML 1.2",
                          "8:10 spec.color: must be 'red' or 'blue', found 'blu', did you mean 'blue'?",
                          "9:9 spec.list: must be a list, found 5", "10:10 spec.short: must have 0 to 2 items, found 3",
                          "10:14 spec.short[1]: must be a string of 1 to 5 characters, found 1",
                          "11:8 spec.dec: must be a plain decimal number from 0 to 100, such as 200 or \"37.5\", found "
                          "'1000m'",
                          "12:10 spec.child: must be an object, found a list",
                          "13:3 spec.tpyo: is an unknown field, did you mean `typo`?",
                          HasSubstr("14:3 spec[\"weird key/x\"]: is an unknown field, known are `int`, `big`")));
}

TEST_F(ObjectReaderTest, ReadsWhatIsRight) {
  ObjectReader o(
      Load("int: 5\ntext: abc\nnothing: null\nbool: true\ncolor: blue\nlist: [a, b]\ndec: '37.5'\nchild: {x: 1.0}\n"),
      {}, report_);
  EXPECT_EQ(o.Int("int", {1, 5}), 5);
  EXPECT_EQ(o.String("text", {1, 3}), "abc");
  EXPECT_FALSE(o.Has("nothing"));
  EXPECT_EQ(o.Bool("bool"), true);
  EXPECT_EQ((o.Enum<Color>("color", {{"red", Color::kRed}, {"blue", Color::kBlue}})), Color::kBlue);
  EXPECT_EQ(o.Strings("list", {0, 2}, {1, 1}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(o.Decimal("dec", 0, 100), 37.5);
  ObjectReader child = o.Object("child");
  EXPECT_EQ(child.Int("x", {0, 1}), 1);
  child.Finish();
  o.Require("int");
  o.Finish();
  EXPECT_THAT(Lines(report_.Take()), IsEmpty());
}

TEST_F(ObjectReaderTest, TakesPlainDecimalsOnly) {
  struct Row {
    nlohmann::json value;
    bool good;
  };
  const Row rows[] = {{200, true},
                      {37.5, false},
                      {"200", true},
                      {"37.5", true},
                      {"-1", false},
                      {"", false},
                      {"1e3", false},
                      {"1k", false},
                      {"+1", false},
                      {".5", false},
                      {"5.", false},
                      {"1.2.3", false},
                      {" 1", false},
                      {"0x10", false},
                      {"inf", false},
                      {true, false},
                      {"1001", false},
                      {1000.0, true},
                      {"000000000001.123456789012", true},
                      {"0000000000001", false},
                      {"1.1234567890123", false}};
  for (const Row& row : rows) {
    const nlohmann::json object = {{"v", row.value}};
    Report report(nullptr);
    ObjectReader o(object, {}, report);
    EXPECT_EQ(o.Decimal("v", 0, 1000).has_value(), row.good) << row.value;
    EXPECT_EQ(report.size(), row.good ? 0u : 1u) << row.value;
  }
}

TEST_F(ObjectReaderTest, CountsCharactersAndNotBytes) {
  ObjectReader o(Load("text: äöü\nlist: [äöü]\n"), {}, report_);
  EXPECT_TRUE(o.String("text", {3, 3}).has_value());
  EXPECT_TRUE(o.Strings("list", {0, 1}, {3, 3}).has_value());
  EXPECT_FALSE(o.String("text", {4, 9}).has_value());
}

TEST_F(ObjectReaderTest, PlacesAForeignProblemByItsRelativePath) {
  Load("a:\n  b:\n  - c: 1\n  - d: 2\n");
  report_.AddBelow(Path().Key("a"), "b[1].d", "must be 3");
  EXPECT_THAT(Lines(report_.Take()), ElementsAre("4:8 a.b[1].d: must be 3"));
}

TEST_F(ObjectReaderTest, KeepsAtMostAHundredProblems) {
  for (int i = 0; i < 1000; ++i) report_.Add(Path(), "x");
  EXPECT_THAT(report_.Take(), SizeIs(100));
}

}  // namespace
}  // namespace ottoscale::codec
