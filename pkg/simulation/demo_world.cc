#include "pkg/simulation/demo_world.h"

namespace ottoscale::simulation {
namespace {

constexpr double kTrough = 2;
constexpr double kPeak = 21;

// Quick dynos: three minutes are to show what takes ten.
constexpr HerokuOptions kHeroku = {.boot_min = absl::Milliseconds(1500),
                                   .boot_max = absl::Milliseconds(2500),
                                   .stop_min = absl::Milliseconds(500),
                                   .stop_max = absl::Milliseconds(1500)};

}  // namespace

LoadCurve DemoLoad() {
  return Repeat(Ramps({{absl::Seconds(7), kTrough},
                       {absl::Seconds(9), kPeak},
                       {absl::Seconds(55), kPeak},
                       {absl::Seconds(59), kTrough}}),
                absl::Seconds(150));
}

WebAppOptions DemoApp() { return {.service_time = absl::Milliseconds(100), .queue_limit = 20}; }

DemoWorld::DemoWorld(async::Loop& loop, std::string api_key)
    : heroku(loop, kHeroku),
      app(
          loop, DemoApp(), DemoLoad(), [this] { return heroku.Up(DemoWorld::kApp, kType); },
          [this] { return !heroku.Maintenance(DemoWorld::kApp); }) {
  heroku.AddAccount("demo", api_key);
  heroku.AddApp(DemoWorld::kApp, "0d0d0d0d-1111-4222-8333-444444444444", kType, 1);
}

}  // namespace ottoscale::simulation
