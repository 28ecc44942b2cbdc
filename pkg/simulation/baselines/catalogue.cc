#include "pkg/simulation/baselines/catalogue.h"

#include <algorithm>

#include "pkg/simulation/baselines/autoscalebot.h"
#include "pkg/simulation/baselines/aws_target_tracking.h"
#include "pkg/simulation/baselines/gcp.h"
#include "pkg/simulation/baselines/heroku_p95.h"
#include "pkg/simulation/baselines/hpa.h"
#include "pkg/simulation/baselines/judoscale.h"
#include "pkg/simulation/baselines/kpa.h"
#include "pkg/simulation/baselines/loadscale.h"
#include "pkg/simulation/baselines/oracle.h"
#include "pkg/simulation/baselines/seasonal.h"
#include "pkg/simulation/baselines/static_size.h"

namespace ottoscale::simulation {
namespace {

using Loads = std::vector<double>;
using Made = std::unique_ptr<Strategy>;

template <typename Kind>
Made Default(const PlantParameters&, const Loads&) {
  return std::make_unique<Kind>();
}

Made StaticPeak(const PlantParameters& plant, const Loads& loads) {
  return std::make_unique<StaticSize>(PeakSize(plant, loads));
}
Made StaticMean(const PlantParameters& plant, const Loads& loads) {
  return std::make_unique<StaticSize>(MeanSize(plant, loads));
}
// One boot ahead; of boots that vary, their p95.
Made OneBootAhead(const PlantParameters& plant, const Loads& loads) {
  const auto* fixed = std::get_if<FixedBoot>(&plant.boot);
  const absl::Duration boot = fixed != nullptr ? fixed->time : std::get<LognormalBoot>(plant.boot).p95;
  return std::make_unique<Oracle>(loads, boot, plant.step);
}
Made HpaWithoutWindow(const PlantParameters&, const Loads&) {
  return std::make_unique<Hpa>(HpaParameters{.down_window = absl::ZeroDuration()});
}
Made SeasonalHeld(const PlantParameters&, const Loads&) {
  return std::make_unique<Seasonal>(SeasonalParameters{.hold_floor = true});
}
Made GcpWithScaleInControl(const PlantParameters&, const Loads&) {
  return std::make_unique<Gcp>(GcpParameters{.scale_in_control = GcpScaleInControl{}});
}

}  // namespace

const std::vector<Baseline>& Baselines() {
  static const auto& baselines = *new std::vector<Baseline>{
      {"static-peak", "static peak", StaticPeak},
      {"static-mean", "static mean/U", StaticMean},
      {"oracle", "oracle, one boot ahead", OneBootAhead},
      {"autoscalebot", "autoscalebot", Default<Autoscalebot>},
      {"hpa", "HPA default", Default<Hpa>},
      {"hpa-no-window", "HPA, scale-in window 0", HpaWithoutWindow},
      {"kpa", "KPA stable/panic", Default<Kpa>},
      {"aws-target-tracking", "AWS target tracking", Default<AwsTargetTracking>},
      {"gcp", "GCP 10 min", Default<Gcp>},
      {"gcp-scale-in-control", "GCP + scale-in control 10 %/30 min", GcpWithScaleInControl},
      {"judoscale", "Judoscale +1/3 min", Default<Judoscale>},
      {"heroku-p95", "Heroku p95 ±1/min", Default<HerokuP95>},
      {"seasonal", "max(HPA, q90 seasonal)", Default<Seasonal>},
      {"seasonal-held", "max(HPA, q90 seasonal), floor kept", SeasonalHeld},
      {"loadscale", "loadscale", Default<Loadscale>},
  };
  return baselines;
}

const Baseline* FindBaseline(absl::string_view name) {
  const auto& all = Baselines();
  const auto found = std::find_if(all.begin(), all.end(), [name](const Baseline& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace ottoscale::simulation
