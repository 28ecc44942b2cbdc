#include "pkg/codec/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/codec/json.h"

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

// The only document as canonical JSON; its problems when there are some.
std::string Yaml(absl::string_view text) {
  const Documents parsed = ParseYaml(text);
  if (!parsed.problems.empty()) return absl::StrJoin(Lines(parsed.problems), "\n");
  return parsed.documents.size() == 1 ? Dump(parsed.documents[0].value)
                                      : absl::StrCat(parsed.documents.size(), " documents");
}

TEST(ParseYaml, InfersScalarsAsYaml12CoreDoes) {
  struct Row {
    const char* text;
    const char* json;
  };
  const Row rows[] = {
      {"a: yes", R"({"a":"yes"})"},
      {"a: no", R"({"a":"no"})"},
      {"a: on", R"({"a":"on"})"},
      {"a: off", R"({"a":"off"})"},
      {"on: 1", R"({"on":1})"},
      {"a: true", R"({"a":true})"},
      {"a: False", R"({"a":false})"},
      {"a: ~", R"({"a":null})"},
      {"a: null", R"({"a":null})"},
      {"a:", R"({"a":null})"},
      {"a: 0", R"({"a":0})"},
      {"a: -0", R"({"a":0})"},
      {"a: +5", R"({"a":5})"},
      {"a: -12", R"({"a":-12})"},
      {"a: 0x1F", R"({"a":31})"},
      {"a: 1.5", R"({"a":1.5})"},
      {"a: .5", R"({"a":0.5})"},
      {"a: +1.5", R"({"a":1.5})"},
      {"a: 1.", R"({"a":1.0})"},
      {"a: 1e3", R"({"a":1000.0})"},
      {"a: 1_000", R"({"a":"1_000"})"},
      {"a: 9:00", R"({"a":"9:00"})"},
      {"a: 0b11", R"({"a":"0b11"})"},
      {"a: 0x", R"({"a":"0x"})"},
      {"a: 1.2.3", R"({"a":"1.2.3"})"},
      {"a: -", R"x(1:4 must be valid YAML, found: illegal block entry)x"},
      {"a: .", R"({"a":"."})"},
      {"a: e5", R"({"a":"e5"})"},
      {"a: 2026-12-01", R"({"a":"2026-12-01"})"},
      {"a: '5'", R"({"a":"5"})"},
      {"a: \"true\"", R"({"a":"true"})"},
      {"a: ! 5", R"({"a":"5"})"},
      {"a: !!str 5", R"({"a":"5"})"},
      {"a: !!int 5", R"({"a":5})"},
      {"a: !!float 5", R"({"a":5})"},
      {"a: !!bool true", R"({"a":true})"},
      {"8080: x", R"({"8080":"x"})"},
      {"a: ''", R"({"a":""})"},
      {"a: -9223372036854775808", R"({"a":-9223372036854775808})"},
      {"a: 18446744073709551615", R"({"a":18446744073709551615})"},
      {"a: !!seq [1]", R"({"a":[1]})"},
      {"[]", "[]"},
      {"a: {b: [1, {c: 2}]}", R"({"a":{"b":[1,{"c":2}]}})"},
      {"\xEF\xBB\xBF"
       "a: 1",
       R"({"a":1})"},
      {"a: 1\r\nb: 2\r\n", R"({"a":1,"b":2})"},
      {"{\"a\": \"b\\u00e9\"}", "{\"a\":\"b\xC3\xA9\"}"},
  };
  for (const Row& row : rows) EXPECT_EQ(Yaml(row.text), row.json) << row.text;
}

TEST(ParseYaml, RefusesWithASentenceAndAPlace) {
  struct Row {
    const char* text;
    const char* problem;
  };
  const Row rows[] = {
      {"a: 1\nb:\n  c: 1\n  c: 2\n", "4:3 b.c: is given twice in one object, must be given once"},
      {"a: 1\n\"a\": 2\n", "2:1 a: is given twice in one object, must be given once"},
      {"a: 010",
       "1:4 a: must not begin with 0, found 010, which some readers take as octal: write it without the 0, or "
       "quote it if it is meant as text"},
      {"a: 0o10",
       "1:4 a: must be a decimal number, found 0o10, which some readers take as octal and some as text: write it "
       "in decimal, or quote it"},
      {"a: .inf", "1:4 a: must be a finite number, found .inf"},
      {"a: [-.Inf, .NaN]",
       "1:5 a[0]: must be a finite number, found -.Inf\n1:12 a[1]: must be a finite number, found .NaN"},
      {"a: 18446744073709551616",
       "1:4 a: must fit in 64 bits, found 18446744073709551616: quote it if it is meant as text"},
      {"a: 1e999", "1:4 a: must be a number that fits, found 1e999: quote it if it is meant as text"},
      {"a: !thing 5", "1:4 a: must not have the tag '!thing', only !!str, !!int, !!float and !!bool"},
      {"a: !thing {b: 1}", "1:4 a: must not have the tag '!thing'"},
      {"a: !!int x", "1:4 a: must be what its tag says, found x tagged !!int"},
      {"a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n",
       "3:3 c: must not use the merge key `<<`, which Kubernetes does not apply: write the fields out"},
      {"a: &x [*x]", "1:8 a[0]: must not be an alias of something that contains it"},
      {"a: &x {b: {c: *x}}", "1:15 a.b.c: must not be an alias of something that contains it"},
      {"? [a]\n: b\n", "1:3 must not have a list or an object as a key, only text"},
      {"? {a: {b: c}}\n: {d: {e: 1}}\nf: 010\n",
       "1:3 must not have a list or an object as a key, only text\n"
       "3:4 f: must not begin with 0, found 010, which some readers take as octal: write it without the 0, or quote it "
       "if it "
       "is meant as text"},
      {"~: b\n", "1:1 must not have an empty key"},
      {"a: &x b\n*x : c\n", "2:1 must not have an alias as a key, only text"},
      {"a: [1", "1:1 must be valid YAML, found: end of sequence flow not found"},
      {"a: b\n\xC3(", "2:1 must be valid UTF-8, found the byte 0xc3"},
      {"a: \x01", "1:4 must not contain control characters, found 0x01"},
      {"a: *x", "1:4 must be valid YAML, found: the referenced anchor is not defined"},
  };
  for (const Row& row : rows) EXPECT_EQ(Yaml(row.text), row.problem) << row.text;
}

TEST(ParseYaml, GivesEveryDocumentWithLinesOfTheFile) {
  const Documents parsed = ParseYaml("# comment\n---\na: 1\n---\n---\nb:\n- c: [x]\n...\n---\nd: 1\nd: 2\n");
  ASSERT_THAT(parsed.documents, SizeIs(3));
  EXPECT_EQ(parsed.documents[0].positions.KeyOf("/a"), (Position{3, 1}));
  EXPECT_EQ(parsed.documents[0].positions.ValueOf("/a"), (Position{3, 4}));
  EXPECT_EQ(parsed.documents[1].positions.KeyOf("/b"), (Position{6, 1}));
  EXPECT_EQ(parsed.documents[1].positions.ValueOf("/b/0/c/0"), (Position{7, 7}));
  EXPECT_THAT(Lines(parsed.problems), ElementsAre("11:1 d: is given twice in one object, must be given once"));
  EXPECT_EQ(Dump(parsed.documents[2].value), R"({"d":1})");
}

TEST(ParseYaml, AnEmptyTextHasNoDocuments) {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "---\n---\n...\n", "~"}) {
    const Documents parsed = ParseYaml(text);
    EXPECT_THAT(parsed.documents, IsEmpty()) << text;
    EXPECT_THAT(parsed.problems, IsEmpty()) << text;
  }
}

TEST(ParseYaml, WritesAliasesOutAndPointsAtTheAlias) {
  const Documents parsed = ParseYaml("a: &x {b: 1}\nc: *x\nd: &y 5\ne: *y\n");
  EXPECT_THAT(Lines(parsed.problems), IsEmpty());
  EXPECT_EQ(Dump(parsed.documents.at(0).value), R"({"a":{"b":1},"c":{"b":1},"d":5,"e":5})");
  EXPECT_EQ(parsed.documents[0].positions.ValueOf("/c/b"), (Position{2, 4}));
}

TEST(ParseYaml, StopsAnAliasBomb) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    std::vector<std::string> aliases(10, absl::StrCat("*a", i - 1));
    absl::StrAppend(&text, "a", i, ": &a", i, " [", absl::StrJoin(aliases, ", "), "]\n");
  }
  const Documents parsed = ParseYaml(text);
  EXPECT_THAT(Lines(parsed.problems),
              ElementsAre(HasSubstr("has more than 100000 values with every alias written out")));
}

TEST(ParseYaml, StopsABombOfText) {
  std::string text = absl::StrCat("a: &a \"", std::string(500'000, 'x'), "\"\nb: [");
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&text, "*a, ");
  absl::StrAppend(&text, "]\n");
  EXPECT_THAT(Lines(ParseYaml(text).problems), ElementsAre(HasSubstr("has more than 8388608 bytes of text")));
}

TEST(ParseYaml, BoundsDepthAndSizeAndKeys) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') + std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_THAT(ParseYaml(nested(64)).problems, IsEmpty());
  EXPECT_THAT(Lines(ParseYaml(nested(65)).problems),
              ElementsAre("1:65 is nested deeper than 64 levels, which is the most allowed"));
  EXPECT_THAT(Lines(ParseYaml(nested(5000)).problems), ::testing::Contains(HasSubstr("is nested deeper than 64")));
  EXPECT_THAT(Lines(ParseYaml(std::string((1 << 20) + 1, ' ')).problems),
              ElementsAre("0:0 must be at most 1048576 bytes long, found 1048577"));
  EXPECT_THAT(Lines(ParseYaml(absl::StrCat("? ", std::string(2000, 'k'), "\n: 1\n")).problems),
              ElementsAre(HasSubstr("has a key of 2000 bytes, the most allowed is 1024")));
}

}  // namespace
}  // namespace ottoscale::codec
