#include "pkg/kube/config.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/base/status.h"
#include "pkg/http/check_request.h"
#include "pkg/http/http.h"
#include "pkg/kube/kubeconfig.h"
#include "pkg/kube/small_file.h"

namespace ottoscale::kube {
namespace {

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// "https://host:port", an IPv6 host in brackets.
absl::StatusOr<std::string> ServiceUrl(const ConfigSources& sources) {
  const bool v6 = absl::StrContains(sources.service_host, ':') && !absl::StartsWith(sources.service_host, "[");
  const std::string host = v6 ? absl::StrCat("[", sources.service_host, "]") : sources.service_host;
  const absl::StatusOr<http::Url> url = http::ParseUrl(absl::StrCat("https://", host, ":", sources.service_port, "/"));
  if (!url.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not make an address: ", url.status().message()));
  }
  return absl::StrCat("https://", url->Authority());
}

absl::StatusOr<ClusterConfig> LoadInCluster(const ConfigSources& sources) {
  ClusterConfig config{.ns = "default", .source = "the pod's service account", .user = "the pod's service account"};
  ASSIGN_OR_RETURN(config.server, ServiceUrl(sources));
  config.token_file = absl::StrCat(sources.service_account_dir, "/token");
  config.ca_file = absl::StrCat(sources.service_account_dir, "/ca.crt");
  const absl::StatusOr<std::string> token = ReadSmallFile(config.token_file);
  if (!token.ok()) {
    return Annotate("the pod has no usable service account token (is automountServiceAccountToken false?)",
                    token.status());
  }
  config.token = Secret(std::string(absl::StripAsciiWhitespace(*token)));
  if (!http::IsCredential(config.token->Reveal())) {
    return absl::InvalidArgumentError(absl::StrCat(config.token_file, ": is empty or no token"));
  }
  const absl::StatusOr<std::string> ca = ReadSmallFile(config.ca_file);
  if (!ca.ok()) return Annotate("the pod has no certificate authority of the cluster", ca.status());
  config.tls.ca_pem = *ca;
  if (const absl::Status usable = http::CheckTls(config.tls); ca->empty() || !usable.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(config.ca_file, ": holds no PEM certificate"));
  }
  const absl::StatusOr<std::string> ns = ReadSmallFile(absl::StrCat(sources.service_account_dir, "/namespace"));
  if (ns.ok() && !absl::StripAsciiWhitespace(*ns).empty()) config.ns = std::string(absl::StripAsciiWhitespace(*ns));
  return config;
}

absl::StatusOr<ClusterConfig> LoadFiles(const std::vector<std::string>& paths, const ConfigSources& sources) {
  ASSIGN_OR_RETURN(const Kubeconfig kubeconfig, ReadKubeconfig(paths));
  return ResolveContext(kubeconfig, sources.context, sources.environment);
}

absl::Status NothingFound(const ConfigSources& sources, const std::string& home_file) {
  const std::string home = home_file.empty() ? "HOME is not set" : absl::StrCat(home_file, " does not exist");
  return absl::NotFoundError(absl::StrCat("no cluster is configured: --kubeconfig and KUBECONFIG are not set, this is ",
                                          sources.service_host.empty() ? "no pod" : "a pod without a service account",
                                          ", and ", home, ": name a file with --kubeconfig"));
}

}  // namespace

absl::StatusOr<ClusterConfig> LoadClusterConfig(const ConfigSources& sources) {
  if (!sources.kubeconfig_flag.empty()) {
    return LoadFiles({sources.kubeconfig_flag}, sources);
  }
  if (const std::vector<std::string> paths = absl::StrSplit(sources.kubeconfig_env, ':', absl::SkipEmpty());
      !paths.empty()) {
    return LoadFiles(paths, sources);
  }
  const std::string home_file = sources.home.empty() ? "" : absl::StrCat(sources.home, "/.kube/config");
  const bool home = !home_file.empty() && Exists(home_file);
  const bool pod = !sources.service_host.empty() && !sources.service_port.empty() && sources.context.empty();
  if (pod && (!home || Exists(absl::StrCat(sources.service_account_dir, "/token")))) return LoadInCluster(sources);
  if (home) return LoadFiles({home_file}, sources);
  return NothingFound(sources, home_file);
}

}  // namespace ottoscale::kube
