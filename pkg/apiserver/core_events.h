// Events as core/v1 has them: the same objects as those of events.k8s.io/v1, read only. kubectl describe and kubectl
// get events ask for these.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "pkg/apiserver/reads.h"
#include "pkg/apiserver/served.h"

namespace ottoscale::apiserver {

// For tables and discovery: the kind Event of the core group.
const Served& CoreEvents();

// What they are stored as: events.k8s.io/v1.
const Served& StoredEvents();

// One event of events.k8s.io/v1 in the other form.
nlohmann::json ToCoreEvent(const nlohmann::json& event);

// The namespace of /api/v1/events ("") and /api/v1/namespaces/NS/events; nullopt for every other path.
std::optional<std::string> CoreEventsPath(const std::vector<std::string>& segments);

// Those that `options` select, by fields of either form: involvedObject.name, reason, type.
absl::StatusOr<ListPage> ListCoreEvents(Store& store, const std::string& ns, const Options& options);

}  // namespace ottoscale::apiserver
