#include "operator/command_line.h"

#include <CLI/CLI.hpp>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "pkg/base/text.h"

namespace ottoscale::operator_main {
namespace {

constexpr char kExitCodes[] =
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 findings present, 4 cannot reach, 5 authentication.";
constexpr char kRootExamples[] =
    "Ottoscale keeps Heroku dynos at the capacity that traffic needs.\n\n"
    "Examples:\n"
    "  ottoscale demo                                  watch it work: no cluster, no account\n"
    "  ottoscale validate deploy/examples              check policies, every mistake with its place\n"
    "  ottoscale explain shop-web                      why a policy has the capacity that it has\n"
    "  ottoscale simulate --policy policy.yaml --series load.csv --capacity 600\n"
    "                                                  what a policy would have done with a recorded load\n"
    "  ottoscale up --policies . --secret heroku/apiKey=env:HEROKU_API_KEY\n"
    "                                                  run on one machine, without a cluster\n"
    "  ottoscale operator --kubeconfig ~/.kube/config  run against a cluster, from outside it\n";
constexpr char kDemoExamples[] =
    "Runs the operator against a simulated Heroku and a simulated web app, with traffic that rises and falls.\n\n"
    "Examples:\n"
    "  ottoscale demo                until Ctrl-C, with a plot on a terminal\n"
    "  ottoscale demo --for 120s     ends by itself\n"
    "  ottoscale demo --plain        one line each, as in a log\n";
constexpr char kUpExamples[] =
    "Runs the operator on one machine: an embedded API server takes the place of a cluster, the policies come from a\n"
    "folder and are kept in step with it, secrets come from the environment or from files.\n\n"
    "Examples:\n"
    "  ottoscale up --policies . --secret heroku/apiKey=env:HEROKU_API_KEY\n"
    "  ottoscale up --policies /etc/ottoscale --secret shop/heroku/apiKey=file:/run/secrets/heroku\n"
    "  curl -s http://127.0.0.1:8480/apis/ottoscale.dev/v1alpha1/scalingpolicies     what it does and why\n";
constexpr char kOperatorExamples[] =
    "Runs the operator against a Kubernetes API server: in a pod with its service account, outside with a kubeconfig.\n"
    "Of several that run, one leads and writes; the others watch and take over.\n\n"
    "Examples:\n"
    "  ottoscale operator                                          in a pod: what the chart runs\n"
    "  ottoscale operator --context staging --leader-elect=false --freeze\n"
    "                                                              look on from a laptop, write nothing\n"
    "  ottoscale operator --watch-namespaces shop,blog --max-capacity 20\n"
    "  curl -X PUT -d debug http://127.0.0.1:8080/log-level        while it runs\n";
constexpr char kValidateExamples[] =
    "Checks policy files without a cluster and without a network: every mistake at once, with file:line:column.\n\n"
    "Examples:\n"
    "  ottoscale validate policy.yaml\n"
    "  ottoscale validate deploy/examples      every .yaml, .yml and .json in a folder\n"
    "  helm template shop | ottoscale validate -\n";

constexpr char kExplainExamples[] =
    "Says why a policy has the capacity that it has: what was measured, what each stage made of it, what holds it "
    "back,\n"
    "and which readings, or which time, would change it. Reads the status that the operator has written.\n\n"
    "Examples:\n"
    "  ottoscale explain shop-web -n shop                  from the cluster of the kubeconfig\n"
    "  ottoscale explain shop-web --server http://127.0.0.1:8480\n"
    "                                                      from a running `ottoscale up`\n"
    "  ottoscale explain shop-web --why-not 4              which stage led away from 4, and what would lead there\n"
    "  kubectl get spol shop-web -o json | ottoscale explain -\n";

constexpr char kSimulateExamples[] =
    "Runs a policy against a recorded load and a model of the service, with the operator's own decisions: no cluster, "
    "no\n"
    "account, no network. What it would have cost, what would have gone wrong, and why it did what it did.\n\n"
    "Examples:\n"
    "  ottoscale simulate --policy policy.yaml --series load.csv --capacity 600\n"
    "                                       an instance serves 600 of what load.csv counts\n"
    "  ottoscale simulate --policy policy.yaml --series load.csv --plant plant.yaml --html report.html\n"
    "  ottoscale simulate --policy new.yaml --against old.yaml --series load.csv --baseline all\n"
    "  ottoscale simulate --policy policy.yaml --series load.csv --assert 'requestsOverCapacityPercent<0.1'\n"
    "                                       ends with 3 when that does not hold: for CI\n"
    "  ottoscale simulate --print-plant > plant.yaml\n\n"
    "The series is CSV: timestamp (RFC 3339, or seconds since 1970) and a rate, one row each, steps as they are.\n"
    "A metric of type HTTPHeartbeat reads the response time of the model, every other metric the load.\n";

// CLI11 knows no absl::Duration; `text` is Go's spelling (90s, 2m) or plain seconds.
absl::Duration ReadDuration(const char* flag, const std::string& text) {
  absl::Duration duration;
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds)) {
    duration = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &duration)) {
    duration = absl::ZeroDuration();
  }
  if (duration <= absl::ZeroDuration()) {
    throw CLI::ValidationError(flag, absl::StrCat("found '", text, "', expected a duration such as 120s or 5m"));
  }
  return duration;
}

void AddLog(CLI::App& app, CommonOptions& options) {
  app.add_option("--log-format", options.log_format, "text, logfmt or json")
      ->check(CLI::IsMember({"text", "logfmt", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
}

void AddPorts(CLI::App& app, CommonOptions& options) {
  app.add_option("--listen", options.listen, "address of the ports")->capture_default_str();
  app.add_option("--metrics-port", options.metrics_port, "port of /metrics, /healthz and /readyz (0: any free one)")
      ->capture_default_str();
}

// What the administrator allows; policies cannot go beyond it.
void AddLimits(CLI::App& app, CommonOptions& options) {
  app.add_option("--allow-endpoint", options.allow_endpoints,
                 "API URL that a CloudAccount may name beyond the public one");
  app.add_option("--probe-allow-cidr", options.probe_allow_cidrs,
                 "address range that heartbeats may reach beyond the public ones, e.g. 10.0.0.0/8");
  app.add_option("--allow-probe-host", options.allow_probe_hosts,
                 "host that heartbeats may ask: shop.example or *.example (default: any)");
  app.add_option("--allow-cloud", options.allow_clouds, "type of CloudAccount that policies may use (default: all)")
      ->check(CLI::IsMember(CloudTypes()));
  app.add_option("--ca-file", options.ca_file, "PEM file of the roots to trust (default: the system's)");
  app.add_option("--max-capacity", options.max_capacity, "ceiling for every policy")->check(CLI::Range(0, 1'000'000));
  app.add_option("--max-step", options.max_step, "largest step of one change, for every policy")
      ->check(CLI::Range(1, 1'000'000));
  app.add_flag("--freeze", options.freeze, "decide and report, write nothing to any cloud");
}

void AddStandalone(CLI::App& app, CommonOptions& options) {
  AddLog(app, options);
  AddPorts(app, options);
  app.add_option("--api-port", options.api_port, "port of the Kubernetes-compatible API (0: any free one)")
      ->capture_default_str();
  AddLimits(app, options);
}

void AddDuration(CLI::App& app, const char* flag, absl::Duration& duration, const std::string& help) {
  app.add_option_function<std::string>(
         flag, [flag, &duration](const std::string& text) { duration = ReadDuration(flag, text); }, help)
      ->default_str(absl::FormatDuration(duration));
}

void AddOperator(CLI::App& app, OperatorOptions& options) {
  app.add_option("--kubeconfig", options.kubeconfig,
                 "how to reach the API server (default: KUBECONFIG, the pod's service account, ~/.kube/config)");
  app.add_option("--context", options.context, "context of the kubeconfig (default: its current one)");
  app.add_option("--config", options.config, "file of kind OperatorConfiguration: the same in camelCase; flags win");
  app.add_option("--watch-namespaces", options.watch_namespaces, "namespaces to watch, with commas (default: all)")
      ->delimiter(',');
  app.add_flag("--leader-elect,!--no-leader-elect", options.leader_elect,
               "write only while holding the lease (default: true)");
  app.add_option("--leader-election-namespace", options.leader_election_namespace,
                 "namespace of the Lease (default: the pod's, or the context's)");
  app.add_option("--leader-election-name", options.leader_election_name, "name of the Lease")->capture_default_str();
  AddDuration(app, "--lease-duration", options.lease_duration, "a leader that is silent for so long is replaced");
  AddDuration(app, "--renew-deadline", options.renew_deadline, "a leader that cannot renew for so long stops");
  AddDuration(app, "--retry-period", options.retry_period, "between two renewals");
  AddDuration(app, "--shutdown-timeout", options.shutdown_timeout, "what is under way at a stop has this long to end");
  app.add_option("--workers", options.workers, "passes at once; nearly all of a pass is waiting")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--max-policies-per-namespace", options.common.max_policies_per_namespace,
                 "the oldest so many are acted on (default: all)")
      ->check(CLI::Range(1, 1'000'000));
  AddLimits(app, options.common);
  AddLog(app, options.common);
  AddPorts(app, options.common);
}

void AddExplain(CLI::App& app, ExplainOptions& options) {
  app.add_option("policy", options.policy, "name of the policy, NAMESPACE/NAME, or - for standard input")->required();
  app.add_option("-n,--namespace", options.ns, "namespace of the policy (default: the context's)");
  CLI::Option* kubeconfig =
      app.add_option("--kubeconfig", options.kubeconfig,
                     "how to reach the API server (default: KUBECONFIG, the pod's service account, ~/.kube/config)");
  CLI::Option* context =
      app.add_option("--context", options.context, "context of the kubeconfig (default: its current one)");
  app.add_option("--server", options.server, "URL of an API that needs no credentials, such as that of `ottoscale up`")
      ->excludes(kubeconfig)
      ->excludes(context);
  app.add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--why-not", options.why_not,
                 "a capacity: which stage led away from it, and what would have to be read for it")
      ->check(CLI::Range(0, 1'000'000));
}

void AddSimulate(CLI::App& app, SimulateOptions& options) {
  app.add_option("--policy", options.policy, "file with the policy; FILE#NAME where it has several");
  app.add_option("--series", options.series, "file with the load, - for standard input: timestamp,value");
  app.add_option("--against", options.against, "another policy, run beside it on the same plant");
  app.add_option("--plant", options.plant, "file about the service: see --print-plant");
  app.add_option("--capacity", options.capacity, "what one instance serves, in the unit of the series; above --plant")
      ->check(CLI::Range(1e-9, 1e12));
  app.add_option("--series-metric", options.series_metric, "this metric reads the load, whatever its source is");
  app.add_option_function<std::string>(
      "--gap", [&options](const std::string& text) { options.gap = ReadDuration("--gap", text); },
      "rows further apart have no samples between them (default: three median steps)");
  app.add_option("--baseline", options.baselines, "another autoscaler's algorithm to compare with, or all; repeatable");
  app.add_option("--assert", options.assertions,
                 "figure, <, <=, >, >= or ==, number; repeatable; ends with 3 on a miss");
  app.add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--timeline", options.timeline, "CSV file to write: a row a pass of the policy");
  app.add_option("--html", options.html, "page to write: charts, and the sentence of every decision");
  app.add_flag("--print-plant", options.print_plant, "print the plant's defaults, with a comment on each, and end");
}

// The word that was probably meant, as " (did you mean ...?)".
std::string Hint(const CLI::App& root, const std::vector<std::string>& arguments) {
  const CLI::App* app = &root;
  for (const std::string& word : arguments) {
    if (absl::StartsWith(word, "-")) {
      std::vector<std::string> flags;
      for (const CLI::Option* option : app->get_options()) {
        for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
      }
      const std::string name = word.substr(0, word.find('='));
      const auto near = ClosestMatch(name, flags);
      if (near && *near != name) return absl::StrCat(": did you mean '", *near, "'?");
      continue;
    }
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* child : app->get_subcommands({})) {
      names.push_back(child->get_name());
      if (child->get_name() == word) next = child;
    }
    if (next != nullptr) {
      app = next;
    } else if (!names.empty()) {
      const auto near = ClosestMatch(word, names);
      return near ? absl::StrCat(": did you mean '", *near, "'?")
                  : absl::StrCat(": there is ", JoinWords(names, "and"));
    }
  }
  return "";
}

}  // namespace

const std::vector<std::string>& CloudTypes() {
  static const std::vector<std::string> types = {"Heroku"};
  return types;
}

OperatorOptions::OperatorOptions() {
  common.log_format = "json";
  common.listen = "0.0.0.0";
  common.metrics_port = 8080;
}

Command ParseCommandLine(const std::vector<std::string>& arguments, const OperatorOptions& base) {
  OperatorOptions operator_options = base;
  DemoOptions demo;
  UpOptions up;
  up.common.metrics_port = 9480;
  up.common.api_port = 8480;
  ValidateOptions validate;
  ExplainOptions explain;
  SimulateOptions simulate;
  VersionOptions version;

  CLI::App app(kRootExamples, "ottoscale");
  app.footer(kExitCodes);
  app.require_subcommand(1);
  CLI::App* demo_command = app.add_subcommand("demo", kDemoExamples);
  AddStandalone(*demo_command, demo.common);
  demo_command->add_option_function<std::string>(
      "--for", [&demo](const std::string& text) { demo.length = ReadDuration("--for", text); },
      "end after this long, e.g. 120s");
  demo_command->add_flag("--plain", demo.plain, "plain lines instead of a plot");
  CLI::App* up_command = app.add_subcommand("up", kUpExamples);
  AddStandalone(*up_command, up.common);
  up_command->add_option("--policies", up.policies, "folder of policies and accounts (.yaml, .yml, .json)")->required();
  up_command->add_option("--secret", up.secrets, "NAME/KEY=env:VARIABLE or NAME/KEY=file:PATH (NAMESPACE/ in front)");
  CLI::App* operator_command = app.add_subcommand("operator", kOperatorExamples);
  AddOperator(*operator_command, operator_options);
  CLI::App* validate_command = app.add_subcommand("validate", kValidateExamples);
  validate_command->add_option("paths", validate.paths, "files, folders, or - for standard input")->required();
  CLI::App* explain_command = app.add_subcommand("explain", kExplainExamples);
  AddExplain(*explain_command, explain);
  CLI::App* simulate_command = app.add_subcommand("simulate", kSimulateExamples);
  AddSimulate(*simulate_command, simulate);
  CLI::App* version_command = app.add_subcommand("version", "Prints the version, the revision and the compiler.");
  version_command->add_option("-o,--output", version.output, "text or json")->check(CLI::IsMember({"text", "json"}));
  for (CLI::App* command : {demo_command, up_command, operator_command, validate_command, explain_command,
                            simulate_command, version_command})
    command->footer(kExitCodes);

  if (arguments.empty()) return PrintAndExit{kUsage, app.help()};
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    for (const CLI::App* command : app.get_subcommands()) return PrintAndExit{kOk, command->help()};
    return PrintAndExit{kOk, app.help()};
  } catch (const CLI::ParseError& error) {
    return PrintAndExit{kUsage,
                        absl::StrCat("ottoscale: ", error.what(), Hint(app, arguments), "\nTry 'ottoscale --help'.\n")};
  }
  if (*demo_command) return demo;
  if (*up_command) return up;
  if (*operator_command) return operator_options;
  if (*validate_command) return validate;
  if (*simulate_command) {
    if (!simulate.print_plant && (simulate.policy.empty() || simulate.series.empty())) {
      return PrintAndExit{kUsage,
                          absl::StrCat("ottoscale: simulate needs ", simulate.policy.empty() ? "--policy" : "--series",
                                       "\nTry 'ottoscale simulate --help'.\n")};
    }
    return simulate;
  }
  if (*explain_command) return explain;
  return version;
}

}  // namespace ottoscale::operator_main
