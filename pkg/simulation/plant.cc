#include "pkg/simulation/plant.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "pkg/base/check.h"

namespace ottoscale::simulation {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr absl::Duration kDay = absl::Hours(24);
constexpr double kNormalQuantile95 = 1.6448536269514722;

int64_t StepsUp(absl::Duration time, absl::Duration step) {
  return static_cast<int64_t>(std::ceil(absl::FDivDuration(time, step)));
}

absl::Status OutOfRange(absl::string_view field, absl::string_view found, absl::string_view allowed) {
  return absl::InvalidArgumentError(absl::StrCat("plant: ", field, " is ", found, ": allowed is ", allowed));
}

absl::Status CheckDuration(absl::string_view field, absl::Duration found, absl::Duration from, absl::Duration to) {
  if (found >= from && found <= to) return absl::OkStatus();
  return OutOfRange(field, absl::FormatDuration(found),
                    absl::StrCat(absl::FormatDuration(from), " to ", absl::FormatDuration(to)));
}

absl::Status CheckBoot(const FixedBoot& boot) {
  return CheckDuration("boot time", boot.time, absl::ZeroDuration(), kDay);
}

absl::Status CheckBoot(const LognormalBoot& boot) {
  if (auto status = CheckDuration("median boot time", boot.median, absl::Milliseconds(1), kDay); !status.ok()) {
    return status;
  }
  return CheckDuration("p95 of the boot time", boot.p95, boot.median, kDay);
}

absl::Status CheckTimes(const PlantParameters& plant) {
  absl::Status status = CheckDuration("step", plant.step, absl::Seconds(1), absl::Hours(1));
  if (status.ok()) status = CheckDuration("metering window", plant.metering_window, plant.step, kDay);
  if (status.ok()) status = CheckDuration("metering delay", plant.metering_delay, absl::ZeroDuration(), kDay);
  if (status.ok()) {
    status = CheckDuration("service time", plant.service_time, absl::Microseconds(1), absl::Hours(1));
  }
  if (status.ok()) status = std::visit([](const auto& boot) { return CheckBoot(boot); }, plant.boot);
  return status;
}

uint64_t SeedOf(const BootTime& boot) {
  const auto* lognormal = std::get_if<LognormalBoot>(&boot);
  return lognormal != nullptr ? lognormal->seed : 0;
}

// Box and Muller's standard normal.
double Normal(async::Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.Unit()));
  return radius * std::cos(2 * std::numbers::pi * random.Unit());
}

}  // namespace

absl::Status Check(const PlantParameters& plant) {
  // Written so that NaN is out of every range.
  if (!(plant.capacity > 0) || std::isinf(plant.capacity)) {
    return OutOfRange("capacity", absl::StrCat(plant.capacity), "a number above 0");
  }
  if (plant.workers < 1 || plant.workers > 10000) {
    return OutOfRange("workers", absl::StrCat(plant.workers), "1 to 10000");
  }
  if (!(plant.busiest > 0 && plant.busiest < 1)) {
    return OutOfRange("busiest utilisation", absl::StrCat(plant.busiest), "above 0 and below 1");
  }
  if (!(plant.utilization > 0 && plant.utilization <= 1)) {
    return OutOfRange("utilization", absl::StrCat(plant.utilization), "above 0, at most 1");
  }
  if (plant.min < 0) return OutOfRange("min", absl::StrCat(plant.min), "0 or more");
  if (plant.max < std::max(1, plant.min) || plant.max > 100000) {
    return OutOfRange("max", absl::StrCat(plant.max), absl::StrCat(std::max(1, plant.min), " to 100000"));
  }
  if (plant.initial && (*plant.initial < 0 || *plant.initial > 100000)) {
    return OutOfRange("initial", absl::StrCat(*plant.initial), "0 to 100000");
  }
  return CheckTimes(plant);
}

absl::Duration QueueTimeAt(const PlantParameters& plant, double utilization) {
  const double rho = std::min(utilization, plant.busiest);
  const double waiting = std::pow(rho, std::sqrt(2.0 * (plant.workers + 1)) - 1) / (plant.workers * (1 - rho));
  return plant.service_time * waiting;
}

Plant::Plant(const PlantParameters& parameters)
    : parameters_(parameters),
      window_steps_(StepsUp(parameters.metering_window, parameters.step)),
      delay_steps_(StepsUp(parameters.metering_delay, parameters.step)),
      random_(SeedOf(parameters.boot)) {
  CHECK(Check(parameters).ok(), "the parameters of a plant are checked before");
  const int64_t kept = std::max(window_steps_ + delay_steps_, StepsUp(kMemory, parameters.step) + 1);
  recent_.resize(std::bit_ceil(static_cast<uint64_t>(kept)));
}

// Whatever is due: the instances of the start, or those that have booted.
void Plant::Arrive() {
  if (index_ == 0) {
    const int found = simulation::Demand(load_, parameters_.TargetPerInstance());
    ready_ = parameters_.initial.value_or(std::clamp(found, parameters_.min, parameters_.max));
  }
  ready_ += static_cast<int>(std::erase_if(booting_, [this](int64_t ready_at) { return ready_at <= index_; }));
  next_ready_ = booting_.empty() ? kNever : *std::min_element(booting_.begin(), booting_.end());
}

int64_t Plant::BootSteps() {
  if (const auto* fixed = std::get_if<FixedBoot>(&parameters_.boot)) return StepsUp(fixed->time, parameters_.step);
  const auto& boot = std::get<LognormalBoot>(parameters_.boot);
  const double sigma = std::log(absl::FDivDuration(boot.p95, boot.median)) / kNormalQuantile95;
  return StepsUp(std::min(boot.median * std::exp(sigma * Normal(random_)), kDay), parameters_.step);
}

void Plant::Order(int count) {
  CHECK(index_ >= 0, "a plant is ordered to do something after its first step");
  count = std::clamp(count, parameters_.min, parameters_.max);
  int surplus = Ordered() - count;
  while (surplus > 0 && !booting_.empty()) {
    booting_.pop_back();
    --surplus;
  }
  ready_ -= std::max(surplus, 0);
  for (; surplus < 0; ++surplus) {
    const int64_t boot = BootSteps();
    if (boot == 0) {
      ++ready_;
      continue;
    }
    next_ready_ = std::min(next_ready_, index_ + boot);
    booting_.push_back(index_ + boot);
  }
}

std::optional<double> Plant::Metric() const { return MeanOf(window_steps_, delay_steps_); }

std::optional<double> Plant::Metric(absl::Duration window, absl::Duration delay) const {
  return MeanOf(StepsUp(window, parameters_.step), StepsUp(delay, parameters_.step));
}

// Summed anew each time: a running sum would remember the rounding of loads that are long gone.
std::optional<double> Plant::MeanOf(int64_t steps, int64_t delay) const {
  const int64_t last = index_ - delay;
  const int64_t first = std::max<int64_t>(0, last - steps + 1);
  if (last < first) return std::nullopt;
  CHECK(index_ - first < static_cast<int64_t>(recent_.size()), "a plant remembers its own window and delay");
  double sum = 0;
  for (int64_t i = first; i <= last; ++i) sum += recent_[static_cast<uint64_t>(i) & (recent_.size() - 1)];
  return sum / static_cast<double>(last - first + 1);
}

double Plant::Utilization() const {
  if (ready_ == 0) return load_ > 0 ? std::numeric_limits<double>::infinity() : 0;
  return load_ / (ready_ * parameters_.capacity);
}

absl::Duration Plant::QueueTime() const { return QueueTimeAt(parameters_, Utilization()); }

absl::Duration Plant::ResponseTime() const { return QueueTime() + parameters_.service_time; }

}  // namespace ottoscale::simulation
