// The composition root: what the process has from the outside (arguments, environment, terminal) enters here and
// nowhere else.
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "operator/command_line.h"
#include "operator/demo_command.h"
#include "operator/explain_command.h"
#include "operator/operator_command.h"
#include "operator/simulate_command.h"
#include "operator/standalone.h"
#include "operator/up_command.h"
#include "operator/validate_command.h"
#include "pkg/async/simulated_loop.h"
#include "pkg/reconcile/provider_check.h"

namespace ottoscale::operator_main {
namespace {

const Version kVersion{OTTOSCALE_VERSION, OTTOSCALE_REVISION};

void Print(std::FILE* file, absl::string_view line) {
  std::fwrite(line.data(), 1, line.size(), file);
  std::fputc('\n', file);
  std::fflush(file);
}

bool Colour(int descriptor) {
  const char* term = std::getenv("TERM");
  return isatty(descriptor) != 0 && std::getenv("NO_COLOR") == nullptr &&
         (term == nullptr || std::string(term) != "dumb");
}

size_t Columns() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::optional<std::string> Variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string StandardInput() { return {std::istreambuf_iterator<char>(std::cin), {}}; }

// A transport for commands that must not use the network: providers are made with it and never asked.
class NoTransport final : public http::Transport {
 public:
  async::Task<absl::StatusOr<http::Response>> Send(http::Request, async::BootTime) override {
    co_return http::MakeFailure({http::Failure::kInvalidRequest, false}, "this command uses no network");
  }
};

int Validate(const ValidateOptions& options, const Output& output) {
  async::SimulatedLoop loop(0);
  NoTransport none;
  const ports::Providers providers = MakeProviders(loop, none, none, {});
  return RunValidate(options, reconcile::CheckWith(providers), StandardInput, output);
}

int Simulate(const SimulateOptions& options, const Output& output) {
  async::SimulatedLoop loop(0);
  NoTransport none;
  const ports::Providers providers = MakeProviders(loop, none, none, {});
  return RunSimulate(options, reconcile::CheckWith(providers), StandardInput,
                     {.columns = Columns(), .colour = Colour(STDOUT_FILENO)}, output);
}

int PrintVersion(const VersionOptions& options, const Output& output) {
  if (options.output == "json") {
    output.out(absl::StrCat("{\"version\":\"", kVersion.version, "\",\"revision\":\"", kVersion.revision,
                            "\",\"compiler\":\"clang ", __clang_version__, "\"}"));
  } else {
    output.out(
        absl::StrCat("ottoscale ", kVersion.version, " (", kVersion.revision, ", clang ", __clang_version__, ")"));
  }
  return kOk;
}

// Secrets live in this process: no core file, no debugger of another user, no inheritance.
void Harden() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGPIPE, SIG_IGN);
}

// What a process has to find a cluster by. `environment` is what exec plugins are given.
kube::ConfigSources Sources(std::vector<std::string> environment) {
  kube::ConfigSources sources{.kubeconfig_env = Variable("KUBECONFIG").value_or(""),
                              .home = Variable("HOME").value_or(""),
                              .service_host = Variable("KUBERNETES_SERVICE_HOST").value_or(""),
                              .service_port = Variable("KUBERNETES_SERVICE_PORT").value_or("")};
  sources.environment = std::move(environment);
  return sources;
}

std::string HostName() {
  char name[256] = "";
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
}

std::vector<std::string> Environment() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

int Run(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const Output output{.out = [](absl::string_view line) { Print(stdout, line); },
                      .error = [](absl::string_view line) { Print(stderr, line); }};
  const Command command = ParseCommandLine(arguments);
  if (const auto* text = std::get_if<PrintAndExit>(&command)) {
    (text->code == kOk ? output.out : output.error)(text->text);
    return text->code;
  }
  if (const auto* validate = std::get_if<ValidateOptions>(&command)) return Validate(*validate, output);
  if (const auto* simulate = std::get_if<SimulateOptions>(&command)) return Simulate(*simulate, output);
  if (const auto* version = std::get_if<VersionOptions>(&command)) return PrintVersion(*version, output);
  Harden();
  if (const auto* up = std::get_if<UpOptions>(&command)) {
    return RunUp(*up, kVersion, Variable, Colour(STDERR_FILENO), output);
  }
  if (const auto* options = std::get_if<OperatorOptions>(&command)) {
    return RunOperator(*options, arguments, Sources(environment), HostName(), kVersion, Colour(STDERR_FILENO), output);
  }
  if (const auto* options = std::get_if<ExplainOptions>(&command)) {
    return RunExplain(*options, Sources(environment), StandardInput, kVersion, output);
  }
  const bool plot = Colour(STDOUT_FILENO) && Columns() >= 60;
  return RunDemo(std::get<DemoOptions>(command), kVersion, plot, Columns(), output);
}

}  // namespace
}  // namespace ottoscale::operator_main

int main(int argc, char** argv) {
  // Before it is changed: plugins need to know the system's certificates.
  const std::vector<std::string> environment = ottoscale::operator_main::Environment();
  // cpprestsdk would parse the system's roots anew for each connection, next to the ones it is given: 25 ms each time.
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  setenv("SSL_CERT_DIR", "/nonexistent", 1);
  return ottoscale::operator_main::Run({argv + 1, argv + argc}, environment);
}
