// The world of `ottoscale demo`: one Heroku with one app, and users whose number rises and falls so that one dyno is enough
// at the trough and three are needed at the peak.
#pragma once

#include <string>

#include "pkg/async/loop.h"
#include "pkg/simulation/heroku.h"
#include "pkg/simulation/web_app.h"

namespace ottoscale::simulation {

struct DemoWorld {
  static constexpr char kApp[] = "demo-shop";
  static constexpr char kType[] = "web";

  // `api_key` opens the account. The loop outlives the world.
  DemoWorld(async::Loop& loop, std::string api_key);

  SimulatedHeroku heroku;
  SimulatedApp app;
};

// Requests per second; repeats itself.
LoadCurve DemoLoad();

}  // namespace ottoscale::simulation
