#include "pkg/apiserver/served.h"

#include <utility>

namespace ottoscale::apiserver {
namespace {

Served Custom(const kubeapi::Resource& resource, std::string singular, std::string short_name) {
  return {.resource = resource,
          .singular = std::move(singular),
          .short_names = {std::move(short_name)},
          .categories = {"ottoscale"},
          .custom = true,
          .list_maps = {{.path = {"status", "conditions"}, .key = "type"}}};
}

}  // namespace

std::vector<Served> DefaultServed() {
  std::vector<Served> served = {
      Custom(kubeapi::ScalingPolicies(), "scalingpolicy", "spol"),
      Custom(kubeapi::CloudAccounts(), "cloudaccount", "cacct"),
      Custom(kubeapi::NotificationChannels(), "notificationchannel", "nchan"),
      {.resource = kubeapi::Secrets(), .singular = "secret", .unconditional_update = true},
      {.resource = kubeapi::Events(), .singular = "event", .short_names = {"ev"}, .unconditional_update = true},
      {.resource = kubeapi::Leases(), .singular = "lease"},
  };
  served[0].list_maps.push_back({.path = {"spec", "metrics"}, .key = "name"});
  return served;
}

}  // namespace ottoscale::apiserver
