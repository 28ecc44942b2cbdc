#include "pkg/simulation/demo_world.h"

#include <algorithm>

namespace ottoscale::simulation {
namespace {

// A dyno of 80 ms service time carries 12.5 requests/s at the most. At 11.75/s one dyno answers in 1,333 ms and two in
// 151 ms; at 23.5/s two answer in 1,333 ms and three in 214 ms; at 4/s one answers in 118 ms and three in 90 ms.
constexpr WebAppOptions kOptions = {.service_time = absl::Milliseconds(80), .noise = 0.05,
                                    .router_timeout = absl::Seconds(30)};
constexpr double kTrough = 4;
constexpr double kBusy = 11.75;
constexpr double kPeak = 23.5;

// From `a` to `b`, evenly within `seconds` from `from` on.
double Ramp(double s, double from, double seconds, double a, double b) {
  return a + (b - a) * std::clamp((s - from) / seconds, 0.0, 1.0);
}

}  // namespace

LoadCurve DemoLoad() {
  return Repeat(
      [](absl::Duration t) {
        const double s = absl::ToDoubleSeconds(t);
        if (s < 28) return Ramp(s, 2, 2, kTrough, kBusy);
        return s < 68 ? Ramp(s, 28, 2, kBusy, kPeak) : Ramp(s, 68, 4, kPeak, kTrough);
      },
      absl::Seconds(160));
}

DemoWorld::DemoWorld(async::Loop& loop, std::string api_key)
    : heroku(loop, {.boot_min = absl::Seconds(1.5), .boot_max = absl::Seconds(2.5)}),
      app(loop, kOptions, DemoLoad(), [this] { return heroku.Up(DemoWorld::kApp, kType); },
          [this] { return !heroku.Maintenance(DemoWorld::kApp); }) {
  heroku.AddAccount("demo", api_key);
  heroku.AddApp(DemoWorld::kApp, "0d0d0d0d-1111-4222-8333-444444444444", kType, 1);
}

}  // namespace ottoscale::simulation
