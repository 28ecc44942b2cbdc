#include "test/simulation/life.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "operator/standalone.h"
#include "pkg/telemetry/text_stream.h"

namespace ottoscale::world {

Life::Life(Parts parts)
    : wire(std::move(parts.observer)),
      kube_wire(parts.loop, parts.kube, "kube", wire),
      cloud_wire(parts.loop, parts.cloud, "cloud", wire),
      probe_wire(parts.loop, parts.probe, "probe", wire),
      mutant_api(MutateApi(kube_wire, parts.mutation.mutant)),
      providers(Mutate(operator_main::MakeProviders(parts.loop, cloud_wire, probe_wire, {}), parts.mutation)),
      log({.loop = parts.loop,
           .sink = std::move(parts.sink),
           .format = telemetry::Format::kLogfmt,
           .level = telemetry::Level::kDebug}),
      program({.loop = parts.loop,
               .kube = mutant_api ? *mutant_api : static_cast<http::Transport&>(kube_wire),
               .kube_url = "http://kube.sim",
               .providers = providers,
               .log = log,
               .registry = registry}) {}

simulation::FaultyTransport& Life::wire_of(Lane lane) {
  switch (lane) {
    case Lane::kKube: return kube_wire;
    case Lane::kCloud: return cloud_wire;
    case Lane::kProbe: return probe_wire;
  }
}

uint64_t Life::faults() const {
  uint64_t sum = 0;
  for (const auto* end : {&kube_wire, &cloud_wire, &probe_wire}) {
    for (const auto& [name, count] : end->injected()) sum += count;
  }
  return sum;
}

uint64_t Life::Operations(const std::string& ns, const std::string& name) {
  uint64_t sum = 0;
  const std::string text = telemetry::ExpositionText(registry);
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "ottoscale_scale_operations_total{")) continue;
    if (!absl::StrContains(line, absl::StrCat("\"", ns, "\"")) ||
        !absl::StrContains(line, absl::StrCat("\"", name, "\"")))
      continue;
    uint64_t count = 0;
    if (absl::SimpleAtoi(line.substr(line.rfind(' ') + 1), &count)) sum += count;
  }
  return sum;
}

}  // namespace ottoscale::world
