// The world of `ottoscale demo`: one Heroku with one app, and users whose number rises and falls so that one dyno is
// enough at the trough and three are needed at the peak.
//
// A dyno serves a request in 100 ms and holds 20 of them. Means, against thresholds of 200 and 1000 ms:
//
//              1 dyno   2 dynos   3 dynos
//   trough 2/s  125 ms    111 ms    107 ms    below 200 with any: down to one
//   peak  21/s 1909 ms   1210 ms    332 ms    above 1000 with one and two; three hold
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

// Requests per second since the start: rises at 7 s, falls at 55 s, and repeats itself every 150 s.
LoadCurve DemoLoad();
WebAppOptions DemoApp();

}  // namespace ottoscale::simulation
