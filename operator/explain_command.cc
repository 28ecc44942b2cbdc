#include "operator/explain_command.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "operator/explanation.h"
#include "operator/run.h"
#include "pkg/async/asio_loop.h"
#include "pkg/async/blocking_pool.h"
#include "pkg/base/status.h"
#include "pkg/codec/json.h"
#include "pkg/codec/yaml.h"
#include "pkg/kube/client.h"
#include "pkg/kube/cluster.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/resource.h"

namespace ottoscale::operator_main {
namespace {

using nlohmann::json;

constexpr absl::Duration kTimeout = absl::Seconds(15);
constexpr size_t kResolverThreads = 2;

int Fail(const Output& output, int code, absl::string_view message) {
  output.error(absl::StrCat("ottoscale: ", message));
  return code;
}

void Print(const json& policy, const ExplainOptions& options, const Output& output) {
  if (options.output == "json") return output.out(codec::DumpIndented(ExplainAsJson(policy, options.why_not)));
  for (const std::string& line : ExplainInWords(policy, options.why_not)) output.out(line);
}

// What `kubectl get spol ... -o yaml` prints: one policy, several documents, or a List of them.
int ExplainText(const std::string& text, const ExplainOptions& options, const Output& output) {
  const codec::Documents parsed = codec::ParseYaml(text);
  for (const codec::Problem& problem : parsed.problems) output.error(codec::FormatProblem("-", problem));
  if (!parsed.problems.empty()) return kFailed;
  std::vector<json> policies;
  for (const codec::Document& document : parsed.documents) {
    const json* items = kubeapi::Find(document.value, "items");
    if (items == nullptr || !items->is_array()) {
      policies.push_back(document.value);
    } else {
      policies.insert(policies.end(), items->begin(), items->end());
    }
  }
  if (policies.empty()) return Fail(output, kFailed, "-: is empty, expected a ScalingPolicy");
  for (size_t i = 0; i < policies.size(); ++i) {
    const std::string kind = kubeapi::TextAt(policies[i], {"kind"});
    if (kind != "ScalingPolicy") {
      return Fail(output, kFailed,
                  absl::StrCat("-: expected a ScalingPolicy, found ", kind.empty() ? "no kind" : kind));
    }
    if (i > 0 && options.output != "json") output.out("");
    Print(policies[i], options, output);
  }
  return kOk;
}

kubeapi::ObjectKey KeyOf(const ExplainOptions& options, const kube::ClusterConfig& config) {
  const size_t slash = options.policy.find('/');
  if (slash != std::string::npos) return {options.policy.substr(0, slash), options.policy.substr(slash + 1)};
  return {options.ns.empty() ? config.ns : options.ns, options.policy};
}

async::Task<int> ExplainFrom(kube::ClusterConfig config, http::Transport& transport, const ExplainOptions& options,
                             const Output& output) {
  async::Loop& loop = (co_await async::CurrentContext()).loop();
  const kube::Client client(transport, {.base_url = config.server});
  const kubeapi::ObjectKey key = KeyOf(options, config);
  const absl::StatusOr<json> policy = co_await client.Get(kubeapi::ScalingPolicies(), key, loop.Now().boot + kTimeout);
  if (absl::IsNotFound(policy.status())) {
    co_return Fail(output, kFailed,
                   absl::StrCat("there is no ScalingPolicy ", key.ToString(), " on ", config.server,
                                ": `kubectl get spol -A` lists them, -n names another namespace"));
  }
  if (!policy.ok()) {
    const absl::Status why = kube::Explain(config, policy.status(), loop.Now().wall);
    co_return Fail(output, ExitCodeOf(why), why.message());
  }
  Print(*policy, options, output);
  co_return kOk;
}

// The API of `ottoscale up` needs no credentials.
kube::ClusterConfig At(absl::string_view server) {
  absl::ConsumeSuffix(&server, "/");
  return {.server = std::string(server), .ns = "default", .source = "--server", .user = "nobody"};
}

}  // namespace

int RunExplain(const ExplainOptions& options, kube::ConfigSources sources,
               const std::function<std::string()>& standard_input, const Version& version, const Output& output) {
  if (options.policy == "-") return ExplainText(standard_input(), options, output);
  sources.kubeconfig_flag = options.kubeconfig;
  sources.context = options.context;
  absl::StatusOr<kube::ClusterConfig> config =
      options.server.empty() ? kube::LoadClusterConfig(sources) : At(options.server);
  if (!config.ok()) {
    return Fail(output, kUsage,
                absl::StrCat(absl::string_view(config.status().message()),
                             "; beside `ottoscale up` say --server http://127.0.0.1:8480"));
  }
  async::AsioLoop loop;
  async::BlockingPool pool(kResolverThreads);
  const std::unique_ptr<http::Transport> transport = kube::MakeClusterTransport(
      loop, pool, *config, {.user_agent = kube::UserAgent(version.version, version.revision, "explain")});
  return RunOnLoop(loop, ExplainFrom(*config, *transport, options, output));
}

}  // namespace ottoscale::operator_main
