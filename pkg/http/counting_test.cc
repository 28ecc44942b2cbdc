#include "pkg/http/counting.h"

#include <gtest/gtest.h>

#include "pkg/async/simulated_loop.h"
#include "pkg/async/sleep.h"

namespace ottoscale::http {
namespace {

// Answers 200 to GET after a second, and nothing to anything else.
class Half final : public Transport {
 public:
  async::Task<absl::StatusOr<Response>> Send(Request request, async::BootTime) override {
    (void)co_await async::Sleep(absl::Seconds(1));
    if (request.method != "GET") co_return MakeFailure({Failure::kConnect, false}, "refused");
    co_return Response{.status = 200};
  }
};

async::Task<void> Ask(Transport& transport, std::string method) {
  Request request{.method = std::move(method), .url = "http://app.example/"};
  (void)co_await transport.Send(std::move(request), async::BootTime::Infinite());
}

TEST(CountingTransport, CountsAnswersAndFailuresAndTimesThem) {
  async::SimulatedLoop loop(1);
  Half half;
  absl::Duration sum;
  CountingTransport counting(loop, half, [&sum](const CountingTransport::Key&, absl::Duration took) { sum += took; });
  loop.Run(Ask(counting, "GET"));
  loop.Run(Ask(counting, "GET"));
  loop.Run(Ask(counting, "PATCH"));
  const std::map<CountingTransport::Key, uint64_t> expected = {{{"GET", "200"}, 2}, {{"PATCH", "error"}, 1}};
  EXPECT_EQ(counting.requests(), expected);
  EXPECT_EQ(sum, absl::Seconds(3));
}

}  // namespace
}  // namespace ottoscale::http
