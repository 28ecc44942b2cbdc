#include "operator/operator_command.h"

#include <fstream>
#include <iterator>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "operator/cluster.h"
#include "operator/operator_configuration.h"
#include "operator/run.h"
#include "pkg/base/status.h"

namespace ottoscale::operator_main {
namespace {

int Fail(const Output& output, const absl::Status& status, int code) {
  output.error(absl::StrCat("ottoscale: ", absl::string_view(status.message())));
  return code;
}

// The options over the file that they name.
absl::StatusOr<OperatorOptions> WithFile(const OperatorOptions& options, const std::vector<std::string>& arguments) {
  if (options.config.empty()) return options;
  std::ifstream file(options.config, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("--config: cannot read '", options.config, "'"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto base = DecodeOperatorConfiguration(options.config, text);
  RETURN_IF_ERROR(base.status());
  const Command command = ParseCommandLine(arguments, *base);
  return std::get<OperatorOptions>(command);
}

absl::Status CheckElection(const OperatorOptions& options) {
  if (!options.leader_elect) return absl::OkStatus();
  return kube::LeaderElectionOptions{.ns = "any",
                                     .name = options.leader_election_name,
                                     .identity = "any",
                                     .lease_duration = options.lease_duration,
                                     .renew_deadline = options.renew_deadline,
                                     .retry_period = options.retry_period}
      .Validate();
}

async::Task<int> Operate(Cluster& cluster, const Output& output) {
  const absl::Status end = co_await cluster.Run();
  co_return end.ok() ? kOk : Fail(output, end, ExitCodeOf(end));
}

}  // namespace

int RunOperator(const OperatorOptions& flags, const std::vector<std::string>& arguments, kube::ConfigSources sources,
                const std::string& host_name, const Version& version, bool colour, const Output& output) {
  const auto options = WithFile(flags, arguments);
  if (!options.ok()) return Fail(output, options.status(), kUsage);
  if (const absl::Status election = CheckElection(*options); !election.ok()) return Fail(output, election, kUsage);
  sources.kubeconfig_flag = options->kubeconfig;
  sources.context = options->context;
  auto config = kube::LoadClusterConfig(sources);
  if (!config.ok()) return Fail(output, config.status(), kUsage);

  async::AsioLoop loop;
  auto host = Host::Make(loop, options->common, version, telemetry::StderrSink(), colour);
  if (!host.ok()) return Fail(output, host.status(), kUsage);
  const std::string identity = absl::StrCat(host_name, "_", absl::Hex(loop.random().Next(), absl::kZeroPad16));
  auto cluster = Cluster::Make(*std::move(host), *options, *std::move(config), version, identity);
  if (!cluster.ok()) return Fail(output, cluster.status(), kFailed);
  return RunOnLoop(loop, Operate(**cluster, output));
}

}  // namespace ottoscale::operator_main
