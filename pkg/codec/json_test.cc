#include "pkg/codec/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace ottoscale::codec {
namespace {

using ::testing::ElementsAre;

// "line:column path: message" for each.
std::vector<std::string> Lines(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (const Problem& p : problems) out.push_back(absl::StrCat(p.line, ":", p.column, " ", FormatProblem(p)));
  return out;
}

TEST(ParseJson, GivesPositions) {
  const Decoded<Document> parsed = ParseJson("{\n  \"a\": [1 , 22,\n    {\"b\" : \"x\"}],\n  \"c\":-1.5\n}\n");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(Dump(parsed.value->value), R"({"a":[1,22,{"b":"x"}],"c":-1.5})");
  const Positions& at = parsed.value->positions;
  EXPECT_EQ(at.ValueOf(""), (Position{1, 1}));
  EXPECT_EQ(at.KeyOf("/a"), (Position{2, 3}));
  EXPECT_EQ(at.ValueOf("/a"), (Position{2, 8}));
  EXPECT_EQ(at.ValueOf("/a/0"), (Position{2, 9}));
  EXPECT_EQ(at.ValueOf("/a/1"), (Position{2, 13}));
  EXPECT_EQ(at.ValueOf("/a/2"), (Position{3, 5}));
  EXPECT_EQ(at.KeyOf("/a/2/b"), (Position{3, 6}));
  EXPECT_EQ(at.ValueOf("/a/2/b"), (Position{3, 12}));
  EXPECT_EQ(at.KeyOf("/c"), (Position{4, 3}));
  EXPECT_EQ(at.ValueOf("/c"), (Position{4, 7}));
}

TEST(ParseJson, RefusesWithASentenceAndAPlace) {
  struct Row {
    const char* text;
    const char* problem;
  };
  const Row rows[] = {
      {"{\"a\":1,\n \"a\":2}", "2:2 a: is given twice in one object, must be given once"},
      {"", "1:1 must be valid JSON, found: unexpected end of input; expected '[', '{', or a literal"},
      {"{\"a\" 1}", "1:6 must be valid JSON, found: unexpected number literal; expected ':'"},
      {"[1,]", "1:4 must be valid JSON, found: unexpected ']'; expected '[', '{', or a literal"},
      {"[1] 2", "1:5 must be valid JSON, found: unexpected number literal; expected end of input"},
      {"[NaN]", "1:2 must be valid JSON, found: invalid literal"},
      {"[01]", "1:3 must be valid JSON, found: unexpected number literal; expected ']'"},
      {"[1e999]", "1:2 must be valid JSON, found: a number that does not fit"},
      {"// x\n1", "1:1 must be valid JSON, found: invalid literal"},
      {"\"\xC3(\"", "1:1 must be valid JSON, found: invalid string: ill-formed UTF-8 byte"},
      {"\"a\nb\"",
       "1:1 must be valid JSON, found: invalid string: control character U+000A (LF) must be escaped to \\u000A or "
       "\\n"},
  };
  for (const Row& row : rows) {
    const Decoded<Document> parsed = ParseJson(row.text);
    EXPECT_FALSE(parsed.ok());
    EXPECT_THAT(Lines(parsed.problems), ElementsAre(row.problem)) << row.text;
  }
}

TEST(ReadJson, StopsBeforeTheTreeIsTooDeepOrTooLarge) {
  const std::string deep = std::string(200'000, '[');
  EXPECT_EQ(ReadJson(deep).status(),
            absl::ResourceExhaustedError(
                "json line 1, column 129: is nested deeper than 128 levels, which is the most allowed"));
  EXPECT_EQ(ReadJson("[1,2,3]", {.max_nodes = 3}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadJson("[1,2]", {.max_nodes = 3}).value(), nlohmann::json::parse("[1,2]"));
  EXPECT_EQ(ReadJson("[1,2]", {.max_bytes = 4}).status(),
            absl::ResourceExhaustedError("json: must be at most 4 bytes long, found 5"));
}

TEST(ReadJson, DoesNotQuoteTheText) {
  const absl::Status status = ReadJson("{\"token\": \"hunter2\" hunter3}").status();
  EXPECT_EQ(status, absl::InvalidArgumentError(
                        "json line 1, column 21: must be valid JSON, found: invalid literal; expected '}'"));
}

TEST(Dump, ReplacesInvalidUtf8) { EXPECT_EQ(Dump("a\xC3("), "\"a\xEF\xBF\xBD(\""); }

TEST(ToInt64, TakesIntegersOnlyAndNeverTruncates) {
  EXPECT_EQ(ToInt64(5), 5);
  EXPECT_EQ(ToInt64(3.0), 3);
  EXPECT_EQ(ToInt64(-9223372036854775808.0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(ToInt64(3.9), std::nullopt);
  EXPECT_EQ(ToInt64(9223372036854775808.0), std::nullopt);
  EXPECT_EQ(ToInt64(uint64_t{1} << 63), std::nullopt);
  EXPECT_EQ(ToInt64("5"), std::nullopt);
  EXPECT_EQ(ToInt64(true), std::nullopt);
}

TEST(Fields, SayWhatIsWrong) {
  const nlohmann::json o = nlohmann::json::parse(R"({"n":5000000000,"s":"text","z":null,"o":{"a":{"b":7}},"t":true})");
  EXPECT_EQ(GetInt64(o, "n").value(), 5000000000);
  EXPECT_EQ(GetInt64(o, "n", 0, 100).status().message(), "`n` must be an integer from 0 to 100, found 5000000000");
  EXPECT_EQ(GetInt64(o, "s").status().message(), "`s` must be an integer, found 'text'");
  EXPECT_EQ(GetString(o, "n").status().message(), "`n` must be a string, found 5000000000");
  EXPECT_EQ(GetString(o, "z").status().message(), "`z` is missing");
  EXPECT_EQ(GetObject(o, "s").status().message(), "`s` must be an object, found 'text'");
  EXPECT_EQ(GetArray(o, "o").status().message(), "`o` must be a list, found an object");
  EXPECT_EQ(GetBool(o, "t").value(), true);
  EXPECT_EQ(GetString("x", "a").status().message(), "must be an object, found 'x'");
  EXPECT_EQ(FindInt64(o, {"o", "a", "b"}), 7);
  EXPECT_EQ(FindInt64(o, {"o", "x", "b"}), std::nullopt);
  EXPECT_EQ(StringOr(o, {"s"}, "-"), "text");
  EXPECT_EQ(StringOr(o, {"n"}, "-"), "-");
}

}  // namespace
}  // namespace ottoscale::codec
