// Errors of a cluster in the words of whoever configured it.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "pkg/codec/json.h"
#include "pkg/http/http.h"
#include "pkg/http/trust.h"
#include "pkg/kube/cluster.h"
#include "pkg/kubeapi/api_error.h"
#include "pkg/kubeapi/base64.h"

namespace ottoscale::kube {
namespace {

std::string Utc(absl::Time time) { return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone()); }

// When the bearer token ends, if it is a JWT that says so.
std::optional<absl::Time> ExpiryOf(const Secret& token) {
  const std::vector<std::string> parts = absl::StrSplit(token.Reveal(), '.');
  if (parts.size() != 3) return std::nullopt;
  std::string text = parts[1];
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  const absl::StatusOr<std::string> claims = kubeapi::DecodeBase64(text);
  if (!claims.ok()) return std::nullopt;
  const absl::StatusOr<nlohmann::json> body = codec::ReadJson(*claims);
  if (!body.ok()) return std::nullopt;
  const std::optional<int64_t> seconds = codec::FindInt64(*body, {"exp"});
  if (!seconds) return std::nullopt;
  return absl::FromUnixSeconds(*seconds);
}

// Why a server might not know us, and what to do.
std::string WhyRefused(const ClusterConfig& config, absl::Time now) {
  if (config.exec) return absl::StrCat("it does not accept what exec plugin ", config.exec->command, " answered");
  if (config.token) {
    const std::optional<absl::Time> expiry = config.token_file.empty() ? ExpiryOf(*config.token) : std::nullopt;
    if (expiry && *expiry <= now) return absl::StrCat("its token expired on ", Utc(*expiry), ": ask for a new one");
    if (config.token_file.empty()) return "its token is not valid, or no longer: ask for a new one";
    return absl::StrCat("the token in ", config.token_file, " is not valid, or no longer");
  }
  if (config.basic) return "its username or password is wrong, or the server accepts no passwords";
  if (config.tls.certificate_pem.empty()) return "no credential is configured: set a token, exec or client-certificate";
  const absl::StatusOr<http::CertificateDates> dates = http::DatesOf(config.tls.certificate_pem);
  if (dates.ok() && dates->until <= now) {
    return absl::StrCat("its client certificate expired on ", Utc(dates->until), ": renew it");
  }
  if (dates.ok() && dates->from > now) {
    return absl::StrCat("its client certificate is valid only from ", Utc(dates->from), ": check the clock");
  }
  return "its client certificate is not signed by an authority that the server trusts for clients";
}

std::string WhyNotTrusted(const ClusterConfig& config, absl::string_view message) {
  const std::string certificate = absl::StrCat("the certificate of ", config.server);
  if (absl::StrContains(message, "not for this host") || absl::StrContains(message, "mismatch")) {
    return absl::StrCat(certificate, " is for another name: use a name that it has, or set tls-server-name");
  }
  if (absl::StrContains(message, "has expired")) return absl::StrCat(certificate, " has expired: renew it");
  if (absl::StrContains(message, "not yet valid"))
    return absl::StrCat(certificate, " is not valid yet: check the clock");
  if (absl::StrContains(message, "certificate")) {
    return absl::StrCat(certificate, " is not signed by the certificate authority of ", config.source,
                        ": set certificate-authority to the right one");
  }
  return absl::StrCat(config.server, " does not complete a TLS handshake: is it an https port?");
}

// The failure of the network in a sentence; "" when there is nothing to add.
std::string WhyNotReached(const ClusterConfig& config, const absl::Status& status) {
  switch (http::FailureOf(status).kind) {
    case http::Failure::kResolve:
      return absl::StrCat("the name of ", config.server, " does not resolve: check the server of ", config.source);
    case http::Failure::kConnect:
      return absl::StrCat("cannot connect to ", config.server, " (", config.source, "): is it running?");
    case http::Failure::kTls: return WhyNotTrusted(config, status.message());
    case http::Failure::kTimeout: return absl::StrCat(config.server, " does not answer in time");
    case http::Failure::kDisconnected: return absl::StrCat(config.server, " broke off the connection");
    case http::Failure::kProtocol: return absl::StrCat(config.server, " does not answer with HTTP");
    case http::Failure::kInvalidRequest:
    case http::Failure::kAddressDenied:
    case http::Failure::kCancelled:
    case http::Failure::kBodyTooLarge:
    case http::Failure::kLocalLimit: return "";
  }
  return "";
}

absl::Status As(absl::StatusCode code, absl::string_view sentence, const absl::Status& from) {
  absl::Status status(code, absl::StrCat(sentence, " (", from.message(), ")"));
  from.ForEachPayload([&status](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
  return status;
}

}  // namespace

absl::Status Explain(const ClusterConfig& config, const absl::Status& status, absl::Time now) {
  if (status.ok()) return status;
  if (const auto error = kubeapi::ApiErrorOf(status)) {
    // A credential that no authenticator of the server understands makes us anonymous.
    const bool nobody = error->code == 403 && absl::StrContains(error->message, "\"system:anonymous\"");
    if (error->code == 401 || nobody) {
      return As(
          absl::StatusCode::kUnauthenticated,
          absl::StrCat(config.server, " refuses ", config.user, " (", config.source, "): ", WhyRefused(config, now)),
          status);
    }
    // Not an object that is missing, which the server would name: a path that it does not know.
    if (error->code == 404 && absl::StrContains(status.message(), "page not found")) {
      return As(absl::StatusCode::kNotFound,
                "the API server does not know this resource: install its CustomResourceDefinition", status);
    }
    if (error->code != 403) return status;
    return As(absl::StatusCode::kPermissionDenied,
              absl::StrCat(config.user, " lacks a right: grant it with a Role or ClusterRole"), status);
  }
  if (absl::IsUnauthenticated(status))
    return As(status.code(), absl::StrCat("cannot log in to ", config.server), status);
  const bool network = absl::IsUnavailable(status) || absl::IsFailedPrecondition(status) ||
                       absl::IsDeadlineExceeded(status) || absl::IsDataLoss(status);
  const std::string sentence = network ? WhyNotReached(config, status) : "";
  return sentence.empty() ? status : As(absl::StatusCode::kUnavailable, sentence, status);
}

}  // namespace ottoscale::kube
