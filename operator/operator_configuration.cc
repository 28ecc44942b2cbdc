#include "operator/operator_configuration.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "pkg/base/text.h"
#include "pkg/codec/object_reader.h"
#include "pkg/codec/yaml.h"

namespace ottoscale::operator_main {
namespace {

using codec::ObjectReader;

constexpr char kApiVersion[] = "ottoscale.dev/v1alpha1";
constexpr char kKind[] = "OperatorConfiguration";

void ReadText(ObjectReader& reader, const char* key, std::string& into) {
  if (auto text = reader.String(key, {0, 4096})) into = *std::move(text);
}
void ReadTexts(ObjectReader& reader, const char* key, std::vector<std::string>& into) {
  if (auto texts = reader.Strings(key, {0, 1000}, {1, 4096})) into = *std::move(texts);
}
void ReadClouds(ObjectReader& reader, const char* key, std::vector<std::string>& into) {
  ReadTexts(reader, key, into);
  const std::vector<std::string>& known = CloudTypes();
  for (const std::string& cloud : into) {
    if (std::find(known.begin(), known.end(), cloud) != known.end()) continue;
    reader.Refuse(key, absl::StrCat("must name clouds of this program, ", JoinWords(known, "or"), ", found '",
                                    Printable(cloud), "'"));
  }
}
void ReadFlag(ObjectReader& reader, const char* key, bool& into) {
  if (const auto flag = reader.Bool(key)) into = *flag;
}
template <typename Number>
void ReadNumber(ObjectReader& reader, const char* key, codec::Range range, Number& into) {
  if (const auto number = reader.Int(key, range)) into = static_cast<Number>(*number);
}
void ReadDuration(ObjectReader& reader, const char* key, absl::Duration& into) {
  const auto text = reader.String(key, {1, 64});
  if (!text) return;
  absl::Duration duration;
  if (absl::ParseDuration(*text, &duration) && duration > absl::ZeroDuration()) {
    into = duration;
  } else {
    reader.Refuse(key, absl::StrCat("must be a duration such as 15s or 2m, found '", Printable(*text), "'"));
  }
}
void ReadWord(ObjectReader& reader, const char* key, const std::vector<std::string>& words, std::string& into) {
  if (const auto index = reader.OneOf(key, words)) into = words[*index];
}

void Read(ObjectReader& reader, OperatorOptions& options) {
  CommonOptions& common = options.common;
  std::string ignored;
  ReadWord(reader, "apiVersion", {kApiVersion}, ignored);
  ReadWord(reader, "kind", {kKind}, ignored);
  reader.Require("apiVersion", absl::StrCat("it is ", kApiVersion));
  reader.Require("kind", absl::StrCat("it is ", kKind));
  ReadText(reader, "kubeconfig", options.kubeconfig);
  ReadText(reader, "context", options.context);
  ReadTexts(reader, "watchNamespaces", options.watch_namespaces);
  ReadFlag(reader, "leaderElect", options.leader_elect);
  ReadText(reader, "leaderElectionNamespace", options.leader_election_namespace);
  ReadText(reader, "leaderElectionName", options.leader_election_name);
  ReadDuration(reader, "leaseDuration", options.lease_duration);
  ReadDuration(reader, "renewDeadline", options.renew_deadline);
  ReadDuration(reader, "retryPeriod", options.retry_period);
  ReadDuration(reader, "shutdownTimeout", options.shutdown_timeout);
  ReadNumber(reader, "workers", {1, 10'000}, options.workers);
  ReadFlag(reader, "freeze", common.freeze);
  ReadNumber(reader, "maxCapacity", {0, 1'000'000}, common.max_capacity);
  ReadNumber(reader, "maxStep", {1, 1'000'000}, common.max_step);
  ReadNumber(reader, "maxPoliciesPerNamespace", {1, 1'000'000}, common.max_policies_per_namespace);
  ReadClouds(reader, "allowCloud", common.allow_clouds);
  ReadTexts(reader, "allowEndpoint", common.allow_endpoints);
  ReadTexts(reader, "allowProbeHost", common.allow_probe_hosts);
  ReadTexts(reader, "probeAllowCidr", common.probe_allow_cidrs);
  ReadText(reader, "caFile", common.ca_file);
  ReadText(reader, "listen", common.listen);
  ReadNumber(reader, "metricsPort", {0, 65535}, common.metrics_port);
  ReadWord(reader, "logLevel", {"debug", "info", "warn", "error"}, common.log_level);
  ReadWord(reader, "logFormat", {"text", "logfmt", "json"}, common.log_format);
}

}  // namespace

absl::StatusOr<OperatorOptions> DecodeOperatorConfiguration(const std::string& file, absl::string_view text) {
  codec::Documents documents = codec::ParseYaml(text);
  std::vector<codec::Problem> problems = std::move(documents.problems);
  OperatorOptions options;
  if (problems.empty() && documents.documents.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": found ", documents.documents.size(), " documents, expected one of kind ", kKind));
  }
  if (problems.empty()) {
    codec::Report report(&documents.documents[0].positions);
    ObjectReader reader(documents.documents[0].value, {}, report);
    Read(reader, options);
    reader.Finish();
    problems = report.Take();
  }
  if (problems.empty()) return options;
  std::vector<std::string> lines;
  for (const codec::Problem& problem : problems) lines.push_back(codec::FormatProblem(file, problem));
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

}  // namespace ottoscale::operator_main
