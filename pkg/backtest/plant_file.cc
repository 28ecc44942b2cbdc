#include "pkg/backtest/plant_file.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "pkg/codec/object_reader.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::backtest {
namespace {

constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kMostInstances = 100'000;
constexpr double kMostLoad = 1e12;

constexpr absl::string_view kDefaults =
    R"(# The service that `ottoscale simulate` scales, with its defaults. Every field may be left out; fractions are quoted.

# What one ready instance serves within its objective, in the unit of the series (requests per minute, say).
# null: assumed from the policy or the series; the report says how.
capacityPerInstance: null

# From the order of an instance until it serves.
# Fixed: all alike, 0 to 86400 s. Lognormal: {medianSeconds: 120, p95Seconds: 240, seed: 1}, each draws its own.
boot:
  type: Fixed
  fixed: {seconds: 120}

# What a load metric shows: the mean load over the window (one step to 86400 s), so late (0 to 86400 s).
metering: {windowSeconds: 60, delaySeconds: 15}

# The response time of S0 + Wq: what an idle instance takes, and the wait by Sakasegawa's approximation for
# workersPerInstance (1 to 10000) requests at a time. Above a utilization of busiest (up to "0.9999") it grows no more.
response: {serviceMilliseconds: 150, workersPerInstance: 5, busiest: "0.995"}

# Ready at the start: so many, or null for what bears the first load at this utilization (up to 1).
start: {instances: null, utilization: "0.7"}

# What the cloud allows, and what baselines keep to. null: the policy's own widest bounds.
bounds: {min: null, max: null}

# The resolution, 1 to 3600 s. Windows, delays and boots are rounded up to steps.
stepSeconds: 5
)";

using codec::ObjectReader;

std::optional<absl::Duration> Seconds(ObjectReader& object, absl::string_view key, int64_t min, int64_t max) {
  const auto seconds = object.Int64(key, {min, max});
  if (!seconds) return std::nullopt;
  return absl::Seconds(*seconds);
}

simulation::BootTime ReadFixed(ObjectReader fixed) {
  simulation::FixedBoot boot;
  boot.time = Seconds(fixed, "seconds", 0, kDaySeconds).value_or(boot.time);
  fixed.Finish();
  return boot;
}

simulation::BootTime ReadLognormal(ObjectReader lognormal) {
  simulation::LognormalBoot boot;
  boot.median = Seconds(lognormal, "medianSeconds", 1, kDaySeconds).value_or(boot.median);
  const auto p95 = Seconds(lognormal, "p95Seconds", 1, kDaySeconds);
  boot.p95 = p95.value_or(std::max(boot.p95, boot.median));
  boot.seed = static_cast<uint64_t>(lognormal.Int64("seed", {0, int64_t{1} << 53}).value_or(1));
  if (boot.p95 < boot.median) {
    lognormal.Refuse("p95Seconds", absl::StrCat("must be at least medianSeconds (", absl::ToInt64Seconds(boot.median),
                                                "), found ", absl::ToInt64Seconds(boot.p95)));
    boot.p95 = boot.median;
  }
  lognormal.Finish();
  return boot;
}

simulation::BootTime ReadBoot(ObjectReader boot) {
  enum class Type { kFixed, kLognormal };
  const Type type =
      boot.Enum<Type>("type", {{"Fixed", Type::kFixed}, {"Lognormal", Type::kLognormal}}).value_or(Type::kFixed);
  const char* other = type == Type::kFixed ? "lognormal" : "fixed";
  boot.Allow({"fixed", "lognormal"});
  if (boot.Has(other)) {
    boot.Refuse(other, absl::StrCat("does not go with type ", type == Type::kFixed ? "Fixed" : "Lognormal"));
  }
  const simulation::BootTime read =
      type == Type::kFixed ? ReadFixed(boot.Object("fixed")) : ReadLognormal(boot.Object("lognormal"));
  boot.Finish();
  return read;
}

void ReadMetering(ObjectReader metering, simulation::PlantParameters& plant) {
  plant.metering_window = Seconds(metering, "windowSeconds", 1, kDaySeconds).value_or(plant.metering_window);
  plant.metering_delay = Seconds(metering, "delaySeconds", 0, kDaySeconds).value_or(plant.metering_delay);
  if (plant.metering_window < plant.step) {
    metering.Refuse("windowSeconds", absl::StrCat("must be at least stepSeconds (", absl::ToInt64Seconds(plant.step),
                                                  "), found ", absl::ToInt64Seconds(plant.metering_window)));
  }
  metering.Finish();
}

void ReadResponse(ObjectReader response, simulation::PlantParameters& plant) {
  if (const auto service = response.Decimal("serviceMilliseconds", 0.001, 3'600'000)) {
    plant.service_time = absl::Milliseconds(*service);
  }
  plant.workers = response.Int("workersPerInstance", {1, 10'000}).value_or(plant.workers);
  plant.busiest = response.Decimal("busiest", 0.01, 0.9999).value_or(plant.busiest);
  response.Finish();
}

void ReadStart(ObjectReader start, simulation::PlantParameters& plant) {
  plant.initial = start.Int("instances", {0, kMostInstances});
  plant.utilization = start.Decimal("utilization", 0.01, 1).value_or(plant.utilization);
  start.Finish();
}

void ReadBounds(ObjectReader bounds, PlantFile& file) {
  file.min = bounds.Int("min", {0, kMostInstances});
  file.max = bounds.Int("max", {1, kMostInstances});
  if (file.min && file.max && *file.min > *file.max) {
    bounds.Refuse("min", absl::StrCat("must be at most max (", *file.max, "), found ", *file.min));
  }
  bounds.Finish();
}

PlantFile Read(const nlohmann::json& value, codec::Report& report) {
  PlantFile file;
  ObjectReader root(value, {}, report);
  file.capacity = root.Decimal("capacityPerInstance", 1e-9, kMostLoad);
  file.parameters.step = Seconds(root, "stepSeconds", 1, 3600).value_or(file.parameters.step);
  file.parameters.boot = ReadBoot(root.Object("boot"));
  ReadMetering(root.Object("metering"), file.parameters);
  ReadResponse(root.Object("response"), file.parameters);
  ReadStart(root.Object("start"), file.parameters);
  ReadBounds(root.Object("bounds"), file);
  root.Finish();
  return file;
}

}  // namespace

codec::Decoded<PlantFile> ParsePlant(absl::string_view text) {
  codec::Documents parsed = codec::ParseYaml(text);
  if (!parsed.problems.empty()) return {.problems = std::move(parsed.problems)};
  if (parsed.documents.empty()) return {.value = PlantFile{}};
  if (parsed.documents.size() > 1) {
    const codec::Position second = parsed.documents[1].positions.ValueOf("");
    return {.problems = {{.line = second.line, .column = second.column, .message = "must be one document"}}};
  }
  codec::Report report(&parsed.documents[0].positions);
  PlantFile file = Read(parsed.documents[0].value, report);
  return {.value = std::move(file), .problems = report.Take()};
}

absl::string_view DefaultPlantText() { return kDefaults; }

}  // namespace ottoscale::backtest
