// How long requests take when they queue: the plant behind a simulated app. Pure.
//
// Heroku's router sends each request to a dyno at random, so a Poisson stream of `rate` requests/s over `dynos` dynos
// is `dynos` independent queues with Poisson arrivals of rate/dynos each. A dyno serves `workers` requests at a time,
// each in an exponential time of mean `service_time`, and holds at most `queue_limit` of them, those in service
// included; the router turns away more (H11). That is M/M/c/K; its states are a birth-death chain (Kleinrock, Queueing
// Systems I, 1975, sections 3.4 to 3.6):
//
//   w(0) = 1, w(k) = w(k-1) * a / min(k, c), a = service_time * rate / dynos     weight of k requests in a dyno
//   L = sum k w(k) / sum w(k)                                                    mean number in a dyno
//   B = w(K) / sum w(k)                                                          share that is turned away
//   T = L / (rate / dynos * (1 - B))                                             mean time of the others, by Little's
//   law
//
// For c = 1 and K without bound that is the T = s / (1 - a) of M/M/1. With load T grows towards K * s / c and no
// further.
#pragma once

#include "absl/time/time.h"

namespace ottoscale::simulation {

struct DynoModel {
  absl::Duration service_time;
  int workers = 1;
  int queue_limit = 1;  // at least `workers`
};

struct QueueAnswer {
  absl::Duration response_time;  // the mean of what is not turned away; infinite without dynos
  double turned_away = 0;        // the share; 1 without dynos
};

QueueAnswer Queue(const DynoModel& model, double rate, int dynos);

}  // namespace ottoscale::simulation
