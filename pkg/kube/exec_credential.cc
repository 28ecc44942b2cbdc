#include "pkg/kube/exec_credential.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/http/check_request.h"
#include "pkg/http/client.h"
#include "pkg/kubeapi/time_format.h"

namespace ottoscale::kube {
namespace {

using nlohmann::json;

constexpr size_t kShownOfErr = 300;

absl::Status Failed(const ExecPlugin& plugin, absl::string_view why) {
  return absl::UnauthenticatedError(absl::StrCat("exec plugin ", plugin.command, ": ", why));
}

absl::StatusOr<PluginCredential> ReadStatus(const json& answer) {
  const json* status = codec::Find(answer, "status");
  if (status == nullptr || !status->is_object()) return absl::InvalidArgumentError("has no status");
  PluginCredential credential;
  const std::string token = codec::StringOr(*status, {"token"}, "");
  if (!token.empty()) credential.token = Secret(token);
  if (credential.token && !http::IsCredential(token)) {
    return absl::InvalidArgumentError("has a token with a space, a line break or another odd byte");
  }
  credential.certificate_pem = codec::StringOr(*status, {"clientCertificateData"}, "");
  credential.key_pem = Secret(codec::StringOr(*status, {"clientKeyData"}, ""));
  if (!credential.token && credential.certificate_pem.empty() && credential.key_pem.empty()) {
    return absl::InvalidArgumentError("has neither a token nor a client certificate");
  }
  RETURN_IF_ERROR(http::CheckTls({.certificate_pem = credential.certificate_pem, .key_pem = credential.key_pem}));
  if (const std::string text = codec::StringOr(*status, {"expirationTimestamp"}, ""); !text.empty()) {
    ASSIGN_OR_RETURN(credential.expires, kubeapi::ParseTime(text));
  }
  return credential;
}

absl::StatusOr<PluginCredential> ReadOutput(const ExecPlugin& plugin, absl::string_view text) {
  if (absl::StripAsciiWhitespace(text).empty()) return absl::InvalidArgumentError("it is empty");
  ASSIGN_OR_RETURN(const json answer, codec::ReadJson(text));
  const std::string kind = codec::StringOr(answer, {"kind"}, "");
  const std::string version = codec::StringOr(answer, {"apiVersion"}, "");
  if (kind != "ExecCredential" || version != plugin.api_version) {
    return absl::InvalidArgumentError(absl::StrCat("must be an ExecCredential of ", plugin.api_version, ", found '",
                                                   Truncate(Printable(kind), 64), "' of '",
                                                   Truncate(Printable(version), 64), "'"));
  }
  return ReadStatus(answer);
}

}  // namespace

ProcessCall CallOf(const ExecPlugin& plugin) {
  json info = json::object();
  info["apiVersion"] = plugin.api_version;
  info["kind"] = "ExecCredential";
  info["spec"]["interactive"] = false;
  if (!plugin.cluster_info.empty()) {
    const absl::StatusOr<json> cluster = codec::ReadJson(plugin.cluster_info);
    if (cluster.ok()) info["spec"]["cluster"] = *cluster;
  }
  ProcessCall call{plugin.command, plugin.arguments, plugin.environment};
  call.environment.push_back(absl::StrCat("KUBERNETES_EXEC_INFO=", codec::Dump(info)));
  return call;
}

absl::StatusOr<PluginCredential> ReadPluginAnswer(const ExecPlugin& plugin, absl::StatusOr<ProcessResult> result) {
  if (!result.ok()) {
    const bool absent = absl::IsNotFound(result.status());
    const std::string hint = plugin.install_hint.empty() ? "" : absl::StrCat(": ", plugin.install_hint);
    return Failed(plugin, absl::StrCat(absent ? "is not installed" : "cannot be run", " (", result.status().message(),
                                       ")", absent ? hint : ""));
  }
  if (result->exit_code != 0) {
    std::string said = result->err;
    absl::RemoveExtraAsciiWhitespace(&said);
    return Failed(plugin, absl::StrCat("failed with exit code ", result->exit_code,
                                       said.empty() ? " and said nothing"
                                                    : absl::StrCat(": ", Truncate(Printable(said), kShownOfErr))));
  }
  absl::StatusOr<PluginCredential> credential = ReadOutput(plugin, result->out);
  const Secret overwritten(std::move(result->out));  // when it goes
  if (credential.ok()) return credential;
  return Failed(plugin, absl::StrCat("its answer is unusable: ", credential.status().message()));
}

}  // namespace ottoscale::kube
