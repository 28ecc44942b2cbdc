// A ScalingTarget as a test drives it: one call after the other in a simulated loop, with the deadlines of a pass.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "pkg/async/simulated_loop.h"
#include "pkg/ports/ports.h"

namespace ottoscale {

class DrivenTarget {
 public:
  // `loop` outlives it. `canary` must not stand in any message.
  DrivenTarget(async::SimulatedLoop& loop, std::unique_ptr<ports::ScalingTarget> target, std::string canary)
      : loop_(loop), target_(std::move(target)), canary_(std::move(canary)) {}

  decision::TargetReading Read() const { return loop_.Run(target_->Read(loop_.Now().boot + absl::Seconds(20))); }
  decision::WriteResult Set(int n) const {
    return loop_.Run(target_->SetCapacity(n, loop_.Now().boot + absl::Seconds(15)));
  }
  // The same where only one outcome is right: any other fails the test.
  decision::TargetState State() const {
    const decision::TargetReading reading = Read();
    if (const auto* failure = std::get_if<decision::TargetFailure>(&reading)) ADD_FAILURE() << failure->message;
    return OneOf<decision::TargetState>(reading);
  }
  decision::TargetFailure Failure() const {
    const auto failure = OneOf<decision::TargetFailure>(Read());
    EXPECT_THAT(failure.message, testing::Not(testing::HasSubstr(canary_)));
    return failure;
  }
  decision::Refused Refusal(int n) const {
    const auto refused = OneOf<decision::Refused>(Set(n));
    EXPECT_THAT(refused.message, testing::Not(testing::HasSubstr(canary_)));
    return refused;
  }

  ports::ScalingTarget* operator->() const { return target_.get(); }

 private:
  template <class T, class Result>
  static T OneOf(const Result& result) {
    EXPECT_TRUE(std::holds_alternative<T>(result)) << "it is alternative " << result.index();
    return std::holds_alternative<T>(result) ? std::get<T>(result) : T{};
  }

  async::SimulatedLoop& loop_;
  std::unique_ptr<ports::ScalingTarget> target_;
  std::string canary_;
};

}  // namespace ottoscale
