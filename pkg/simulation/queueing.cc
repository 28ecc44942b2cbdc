#include "pkg/simulation/queueing.h"

#include <algorithm>

#include "pkg/base/check.h"

namespace ottoscale::simulation {

QueueAnswer Queue(const DynoModel& model, double rate, int dynos) {
  CHECK(model.workers >= 1 && model.queue_limit >= model.workers, "a dyno holds what it serves");
  if (dynos <= 0) return {absl::InfiniteDuration(), 1};
  if (rate <= 0) return {model.service_time, 0};
  const double offered = absl::ToDoubleSeconds(model.service_time) * rate / dynos;
  double weight = 1;
  double sum = 1;
  double weighted = 0;
  for (int k = 1; k <= model.queue_limit; ++k) {
    weight *= offered / std::min(k, model.workers);
    sum += weight;
    weighted += k * weight;
    if (weight > 1e200) {  // only the ratios count
      sum /= weight;
      weighted /= weight;
      weight = 1;
    }
  }
  const double turned_away = weight / sum;
  // L / (1 - B) / rate, with 1 - B written so that it does not vanish under a crushing load.
  const double admitted = rate / dynos * ((sum - weight) / sum);
  if (admitted <= 0) return {model.service_time * (static_cast<double>(model.queue_limit) / model.workers), 1};
  return {absl::Seconds(weighted / sum / admitted), turned_away};
}

}  // namespace ottoscale::simulation
