// The command line as a value. CLI11 stays in command_line.cc; main.cc runs what comes out of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace ottoscale::operator_main {

// Exit codes of every command; part of --help.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kFindings = 3,
  kCannotReach = 4,
  kAuthentication = 5,
};

// Flags that every way of running the operator has.
struct CommonOptions {
  std::string log_format = "text";   // text | logfmt | json
  std::string log_level = "info";    // debug | info | warn | error
  std::string listen = "127.0.0.1";  // address of the metrics and API ports
  uint16_t metrics_port = 0;         // 0: the command's default
  uint16_t api_port = 0;
  std::vector<std::string> allow_endpoints;    // API URLs beyond the public ones
  std::vector<std::string> probe_allow_cidrs;  // address ranges that heartbeats may reach beyond the public ones
  std::string ca_file;                         // PEM; empty: the system's
  std::vector<std::string> allow_probe_hosts;  // whom heartbeats may ask; empty: anybody
  std::vector<std::string> allow_clouds;       // types of CloudAccounts; empty: all
  int max_capacity = 1'000'000;                // the administrator's ceiling
  int max_step = 1'000'000;
  int max_policies_per_namespace = 0;  // 0: as many as there are
  bool freeze = false;                 // decide and report, write nothing
  bool operator==(const CommonOptions&) const = default;
};

// The types of CloudAccount that this binary knows: what --allow-cloud may name.
const std::vector<std::string>& CloudTypes();

struct DemoOptions {
  CommonOptions common;
  absl::Duration length = absl::InfiniteDuration();  // --for
  bool plain = false;                                // lines, no plot
  bool operator==(const DemoOptions&) const = default;
};

struct UpOptions {
  CommonOptions common;
  std::string policies;  // folder, kept in step with
  // NAME/KEY=env:VARIABLE or NAME/KEY=file:PATH, with NAMESPACE/ in front for another namespace than "default"
  std::vector<std::string> secrets;
  bool operator==(const UpOptions&) const = default;
};

struct OperatorOptions {
  CommonOptions common;
  std::string config;      // OperatorConfiguration; flags win over it
  std::string kubeconfig;  // empty: KUBECONFIG, the pod's service account, ~/.kube/config
  std::string context;
  std::vector<std::string> watch_namespaces;  // empty: all
  bool leader_elect = true;
  std::string leader_election_namespace;  // empty: that of the pod or of the context
  std::string leader_election_name = "ottoscale";
  absl::Duration lease_duration = absl::Seconds(15);
  absl::Duration renew_deadline = absl::Seconds(10);
  absl::Duration retry_period = absl::Seconds(2);
  absl::Duration shutdown_timeout = absl::Seconds(25);
  int workers = 256;
  OperatorOptions();  // with the ports, the address and the log format of a pod
  bool operator==(const OperatorOptions&) const = default;
};

struct ValidateOptions {
  std::vector<std::string> paths;  // files, folders, "-" for standard input
  bool operator==(const ValidateOptions&) const = default;
};

struct ExplainOptions {
  std::string policy;      // NAME, NAMESPACE/NAME, "-" for standard input
  std::string ns;          // empty: the context's
  std::string kubeconfig;  // as of the operator
  std::string context;
  std::string server;           // URL of an API without credentials, instead of a kubeconfig
  std::string output = "text";  // text | json
  std::optional<int> why_not;   // a capacity
  bool operator==(const ExplainOptions&) const = default;
};

struct SimulateOptions {
  std::string policy;                   // FILE, or FILE#NAME where a file has several policies
  std::string against;                  // likewise; empty: none
  std::string series;                   // CSV, "-" for standard input
  std::string plant;                    // file; empty: the defaults
  std::optional<double> capacity;       // of one instance, in the unit of the series
  std::string series_metric;            // reads the load whatever its source is
  std::optional<absl::Duration> gap;    // rows further apart have no samples between them
  std::string output = "text";          // text | json
  std::string timeline;                 // file to write, or empty
  std::string html;                     // likewise
  std::vector<std::string> assertions;  // "serverHours<100"
  std::vector<std::string> baselines;   // names, or "all"
  bool print_plant = false;             // nothing but the plant's defaults
  bool operator==(const SimulateOptions&) const = default;
};

struct VersionOptions {
  std::string output = "text";  // text | json
  bool operator==(const VersionOptions&) const = default;
};

// Nothing to run: print `text` (to stdout when the code is 0, else to stderr) and end.
struct PrintAndExit {
  int code = kOk;
  std::string text;
  bool operator==(const PrintAndExit&) const = default;
};

using Command = std::variant<PrintAndExit, DemoOptions, UpOptions, OperatorOptions, ValidateOptions, ExplainOptions,
                             SimulateOptions, VersionOptions>;

// `arguments` without the program's name. `base`: what `ottoscale operator` starts from, its configuration file.
Command ParseCommandLine(const std::vector<std::string>& arguments, const OperatorOptions& base = {});

}  // namespace ottoscale::operator_main
