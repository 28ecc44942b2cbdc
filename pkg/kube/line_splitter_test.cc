#include "pkg/kube/line_splitter.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "pkg/async/simulated_loop.h"

namespace ottoscale::kube {
namespace {

using Lines = std::vector<std::string>;

Lines TakeAll(LineSplitter& splitter) {
  Lines lines;
  while (auto line = splitter.Take()) lines.push_back(*line);
  return lines;
}

TEST(LineSplitter, GivesTheSameLinesWhereverTheChunksEnd) {
  const std::string text = "{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}\n";
  for (size_t chunk = 1; chunk <= text.size(); ++chunk) {
    LineSplitter splitter;
    Lines lines;
    for (size_t at = 0; at < text.size(); at += chunk) {
      ASSERT_TRUE(splitter.Feed(text.substr(at, chunk)).ok());
      for (std::string& line : TakeAll(splitter)) lines.push_back(std::move(line));
    }
    EXPECT_EQ(lines, (Lines{"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"})) << "chunks of " << chunk;
    EXPECT_TRUE(splitter.AtLineEnd());
  }
}

TEST(LineSplitter, RefusesALineOverTheCapBeforeItsEnd) {
  LineSplitter splitter(4);
  EXPECT_TRUE(splitter.Feed("1234\n12").ok());
  EXPECT_TRUE(splitter.Feed("34").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(splitter.Feed("5")));
}

TEST(LineSplitter, KnowsWhetherALineIsLeftOpen) {
  LineSplitter splitter;
  ASSERT_TRUE(splitter.Feed("a\nb").ok());
  EXPECT_EQ(TakeAll(splitter), (Lines{"a"}));
  EXPECT_FALSE(splitter.AtLineEnd());
}

class Chunks final : public http::BodySource {
 public:
  explicit Chunks(Lines chunks) : chunks_(std::move(chunks)) {}
  async::Task<absl::StatusOr<std::optional<std::string>>> Next() override {
    if (at_ == chunks_.size()) co_return std::nullopt;
    co_return chunks_[at_++];
  }

 private:
  Lines chunks_;
  size_t at_ = 0;
};

async::Task<absl::StatusOr<Lines>> ReadLines(http::Body body) {
  LineReader reader(std::move(body));
  Lines lines;
  while (true) {
    auto line = co_await reader.Next();
    if (!line.ok()) co_return line.status();
    if (!line->has_value()) co_return lines;
    lines.push_back(**line);
  }
}

TEST(LineReader, ReadsStreamsAndWholeBodiesAlike) {
  async::SimulatedLoop loop(1);
  EXPECT_EQ(*loop.Run(ReadLines(http::Body(std::make_unique<Chunks>(Lines{"a\nb", "c\n"})))), (Lines{"a", "bc"}));
  EXPECT_EQ(*loop.Run(ReadLines(http::Body("a\nbc\n"))), (Lines{"a", "bc"}));
}

TEST(LineReader, AStreamThatEndsWithinALineIsBroken) {
  async::SimulatedLoop loop(1);
  EXPECT_TRUE(absl::IsDataLoss(loop.Run(ReadLines(http::Body("a\nb"))).status()));
}

}  // namespace
}  // namespace ottoscale::kube
