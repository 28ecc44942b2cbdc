#include "pkg/backtest/series.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace ottoscale::backtest {
namespace {

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

struct Accepted {
  const char* name;
  std::string text;
  std::vector<SeriesRow> rows;
};

TEST(Series, ReadsWhatPeopleHave) {
  const std::vector<SeriesRow> two = {{At(0), 1}, {At(60), 2.5}};
  const std::vector<Accepted> cases = {
      {"RFC 3339", "1970-01-01T00:00:00Z,1\n1970-01-01T00:01:00Z,2.5\n", two},
      {"a header", "timestamp,requests\n1970-01-01T00:00:00Z,1\n1970-01-01T00:01:00Z,2.5\n", two},
      {"epoch seconds", "0,1\n60,2.5\n", two},
      {"fractions of seconds",
       "0.5,1\n1970-01-01T00:00:02.25Z,2.5",
       {{At(0) + absl::Milliseconds(500), 1}, {At(0) + absl::Milliseconds(2250), 2.5}}},
      {"offsets", "1970-01-01T02:00:00+02:00,1\n1969-12-31T20:01:00-04:00,2.5", two},
      {"a space or a small t", "1970-01-01 00:00:00Z,1\n1970-01-01t00:01:00z,2.5", two},
      {"a byte-order mark and CRLF", "\xef\xbb\xbftime,load\r\n0,1\r\n60,2.5\r\n", two},
      {"comments, empty lines, spaces, quotes", "# a\n\n0 , 1\n  # b\n\"60\",\"2.5\"\n\n", two},
      {"no line end at the end", "0,1\n60,2.5", two},
      {"exponents", "0,1e0\n60,25e-1", two},
      {"a leap day", "2028-02-29T00:00:00Z,1\n2028-03-01T00:00:00Z,1", {{At(1835395200), 1}, {At(1835481600), 1}}},
  };
  for (const Accepted& c : cases) {
    const auto series = ParseSeries(c.text);
    ASSERT_TRUE(series.ok()) << c.name << ": " << series.status();
    EXPECT_EQ(series->rows, c.rows) << c.name;
  }
}

struct Refused {
  std::string text;
  std::string message;
};

TEST(Series, RefusesTheRestInOneSentenceWithTheLine) {
  const std::vector<Refused> cases = {
      {"0,1\n60,2\n30,3", "line 3: timestamp '30' is before that of line 2: sort the rows by time, as with sort"},
      {"0,1\n# x\n0,2", "line 3: timestamp '0' stands on line 1 already"},
      {"0,1\n60,nan", "line 2: value 'nan' is not finite: leave the row out, a missing sample is no row"},
      {"0,1\n60,-inf", "line 2: value '-inf' is not finite: leave the row out, a missing sample is no row"},
      {"0,1\n60,1e999", "line 2: value '1e999' is not finite: leave the row out, a missing sample is no row"},
      {"0,1\n60,-2", "line 2: value '-2' is negative, a load is 0 or more"},
      {"0,1\n60,", "line 2: the value is empty: leave the row out, a missing sample is no row"},
      {"0,1\n60,abc", "line 2: value 'abc' is not a number"},
      {"0,1\n60,0x10", "line 2: value '0x10' is not a number"},
      {"0;1\n60;2", "line 1: found '0;1', expected timestamp,value with a comma between"},
      {"0,1\n60", "line 2: found '60', expected timestamp,value"},
      {"0,1,2\n", "line 1: more than two columns, expected timestamp,value: choose one value, as with cut -d, -f1,3"},
      {"2026-03-01T00:00:00,1",
       "line 1: timestamp '2026-03-01T00:00:00' has no time zone: append Z if it is UTC, or +02:00"},
      {"2026-02-30T00:00:00Z,1",
       "line 1: timestamp '2026-02-30T00:00:00Z' is neither RFC 3339 (2026-03-01T00:05:00Z) nor a number of seconds "
       "since 1970"},
      {"1772323200000,1",
       "line 1: timestamp '1772323200000' is no number of seconds since 1970: divide it by 1000 if it counts "
       "milliseconds"},
      {"infinite-future,1\n0,1",
       "line 1: timestamp 'infinite-future' is neither RFC 3339 (2026-03-01T00:05:00Z) nor a "
       "number of seconds since 1970"},
      {"inf,1\n0,1", "line 1: timestamp 'inf' is no number of seconds since 1970"},
      {"a,b\nc,d\n",
       "line 2: timestamp 'c' is neither RFC 3339 (2026-03-01T00:05:00Z) nor a number of seconds since "
       "1970"},
      {"0,1\r60,2\r", "line 1: the lines end with CR alone: convert them, as with tr '\\r' '\\n'"},
      {"", "the series has no row: at least two `timestamp,value` are needed"},
      {"a,b\n0,1\n", "the series has one row: at least two `timestamp,value` are needed"},
      {std::string("\xff\xfe\x30\x00", 4), "line 1: the file is UTF-16: save it as UTF-8"},
      {"0,1\n\x01\x02,3",
       "line 2: timestamp '?\?' is neither RFC 3339 (2026-03-01T00:05:00Z) nor a number of seconds "
       "since 1970"},
  };
  for (const Refused& c : cases) {
    const auto series = ParseSeries(c.text);
    ASSERT_FALSE(series.ok()) << c.text;
    EXPECT_EQ(series.status().message(), c.message) << c.text;
  }
}

TEST(Series, NamesItsValueAfterTheHeader) {
  EXPECT_EQ(ParseSeries("timestamp,requests_per_minute\n0,1\n60,1")->value_name, "requests_per_minute");
  EXPECT_EQ(ParseSeries("0,1\n60,1")->value_name, "load");
}

TEST(Series, KnowsItsStepPeakAndMeanOverTime) {
  const auto series = ParseSeries("0,0\n60,10\n120,10\n300,0\n");
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(series->step, absl::Seconds(60));
  EXPECT_EQ(series->span(), absl::Seconds(300));
  EXPECT_EQ(series->peak, 10);
  EXPECT_DOUBLE_EQ(series->mean, (60 * 5 + 60 * 10 + 180 * 5) / 300.0);
}

TEST(Series, HasAGapWhereRowsAreMoreThanThreeStepsApart) {
  const auto series = ParseSeries("0,1\n60,1\n120,1\n300,1\n481,1\n541,1");
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(series->gap, absl::Seconds(180));
  EXPECT_EQ(series->gaps, (std::vector<Gap>{{At(360), At(481)}}));
}

TEST(Series, TakesAGapThatIsGiven) {
  const auto series = ParseSeries("0,1\n60,1\n120,1\n300,1\n481,1\n541,1", absl::Seconds(170));
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(series->gaps, (std::vector<Gap>{{At(180), At(300)}, {At(360), At(481)}}));
  EXPECT_EQ(ParseSeries("0,1\n60,1\n120,1", absl::Seconds(30))->gaps,
            (std::vector<Gap>{{At(30), At(60)}, {At(90), At(120)}}));
}

TEST(Series, ReadsAMillionRows) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) absl::StrAppend(&text, 60 * i, ",", i % 7, "\n");
  const auto series = ParseSeries(text);
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(series->rows.size(), 1'000'000U);
  EXPECT_EQ(series->rows.back(), (SeriesRow{At(59'999'940), 999'999 % 7}));
}

}  // namespace
}  // namespace ottoscale::backtest
