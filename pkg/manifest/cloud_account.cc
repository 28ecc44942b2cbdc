#include "pkg/manifest/fields.h"
#include "pkg/manifest/kinds.h"

namespace ottoscale::manifest {
namespace {

constexpr char kHerokuUrl[] = "https://api.heroku.com";

policy::CloudAccount ReadHeroku(ObjectReader heroku) {
  policy::CloudAccount out = {.type = "Heroku"};
  out.credential = ReadSecretRef(heroku, "apiKeySecretRef", true);
  out.requests_per_minute = heroku.Int("requestsPerMinute", {1, 600}).value_or(out.requests_per_minute);
  out.url = Checked(heroku, "apiURL", CheckApiUrl).value_or(kHerokuUrl);
  while (!out.url.empty() && out.url.back() == '/') out.url.pop_back();
  if (heroku.Has("metricsURL"))
    heroku.Refuse("metricsURL", "must not be set: this version does not read Heroku's metrics");
  heroku.Finish();
  return out;
}

policy::CloudAccount ReadSpec(ObjectReader spec) {
  policy::CloudAccount out;
  const std::optional<Alternative> type = ReadUnion(spec, {{"Heroku", "heroku"}, {"Rackspace", "rackspace", false}});
  if (type) out = ReadHeroku(spec.Object("heroku"));
  spec.Finish();
  return out;
}

}  // namespace

std::optional<policy::CloudAccount> ReadCloudAccount(ObjectReader& root) {
  root.Require("spec", "which cloud, and the Secret with its key");
  ObjectReader spec = root.Object("spec");
  if (!spec.present()) return std::nullopt;
  return ReadSpec(std::move(spec));
}

}  // namespace ottoscale::manifest
