// What people write, as objects and requests: the policies, accounts and Secrets of a world. And what they read of it.
#pragma once

#include <string>

#include "pkg/codec/json.h"
#include "pkg/http/http.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/resource.h"
#include "test/simulation/facts.h"

namespace ottoscale::world {

nlohmann::json PolicyObject(const PolicyFacts& facts);
// Each namespace has one account and one Secret, both called "heroku".
nlohmann::json SecretObject(const std::string& ns, const std::string& key);
nlohmann::json AccountObject(const std::string& ns);

// kubectl apply --server-side --force-conflicts, and kubectl delete.
http::ServerRequest Applying(const kubeapi::Resource& resource, const nlohmann::json& object);
http::ServerRequest Deleting(const kubeapi::Resource& resource, const kubeapi::ObjectKey& key);

// What the status of a policy means, in one line: conditions, capacities, what was done last.
std::string MeaningOf(const nlohmann::json& policy);

}  // namespace ottoscale::world
