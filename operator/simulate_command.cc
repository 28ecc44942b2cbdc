#include "operator/simulate_command.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "operator/manifests.h"
#include "pkg/backtest/plant_file.h"
#include "pkg/backtest/series.h"
#include "pkg/base/status.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/simulation/baselines/catalogue.h"
#include "pkg/simulation/load_steps.h"

namespace ottoscale::operator_main {
namespace {

constexpr size_t kMaxSeriesBytes = size_t{256} << 20;
constexpr int64_t kMaxSteps = 100'000'000;
constexpr int kMostInstances = 100'000;

// Ends the command: what to print, and with which code.
struct Failure {
  int code = kFailed;
  std::vector<std::string> lines;
};
template <typename T>
using Or = std::variant<Failure, T>;

Failure Fail(std::string sentence) { return {kFailed, {absl::StrCat("ottoscale: ", sentence)}}; }
Failure Misuse(std::string sentence) {
  return {kUsage, {absl::StrCat("ottoscale: ", sentence), "Try 'ottoscale simulate --help'."}};
}

std::string ErrorText(const std::string& path) {
  return absl::StrCat(path, ": ", std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): one thread
}

Or<std::string> ReadSeriesText(const std::string& path, const std::function<std::string()>& standard_input) {
  if (path == "-") return standard_input();
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Fail(ErrorText(path));
  std::string text;
  std::string chunk(size_t{1} << 20, '\0');
  while (text.size() <= kMaxSeriesBytes) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk, 0, static_cast<size_t>(file.gcount()));
    if (!file) break;
  }
  if (file.bad()) return Fail(ErrorText(path));
  if (text.size() > kMaxSeriesBytes) return Fail(absl::StrCat(path, ": larger than 256 MiB"));
  return text;
}

std::optional<Failure> WriteFile(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) return Fail(ErrorText(path));
  return std::nullopt;
}

struct NamedPolicy {
  std::string name;  // namespace/name
  std::string file;
  policy::ScalingPolicy policy;
};

// `what`: FILE or FILE#NAME.
Or<NamedPolicy> ReadPolicy(const std::string& what, const manifest::ProviderCheck& check) {
  const size_t hash = what.rfind('#');
  const std::string path = what.substr(0, hash);
  const std::string wanted = hash == std::string::npos ? "" : what.substr(hash + 1);
  const ManifestFile file = LoadManifests(path, check);
  if (!file.ok()) return Failure{kFailed, file.Lines()};
  std::vector<NamedPolicy> found;
  std::vector<std::string> names;
  for (const Manifest& manifest : file.manifests) {
    const nlohmann::json& object = manifest.document.value;
    if (codec::StringOr(object, {"kind"}, "") != "ScalingPolicy") continue;
    const std::string name = codec::StringOr(object, {"metadata", "name"}, "");
    names.push_back(absl::StrCat("'", name, "'"));
    if (!wanted.empty() && name != wanted) continue;
    auto decoded = manifest::DecodeScalingPolicy(object, &manifest.document.positions, check);
    if (!decoded.ok()) return Fail(absl::StrCat(path, ": no policy that can be run"));
    found.push_back({.name = absl::StrCat(codec::StringOr(object, {"metadata", "namespace"}, "default"), "/", name),
                     .file = path,
                     .policy = *std::move(decoded.value)});
  }
  if (names.empty()) return Fail(absl::StrCat(path, ": has no ScalingPolicy"));
  if (found.empty()) {
    return Fail(absl::StrCat(path, ": has no ScalingPolicy '", wanted, "': it has ", JoinWords(names, "and")));
  }
  if (found.size() > 1) {
    return Fail(absl::StrCat(path, ": has ", found.size(), " policies, ", JoinWords(names, "and"), ": name one as ",
                             path, "#NAME"));
  }
  return std::move(found.front());
}

Or<backtest::PlantFile> ReadPlant(const std::string& path) {
  if (path.empty()) return backtest::PlantFile{};
  const absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return Fail(std::string(text.status().message()));
  auto decoded = backtest::ParsePlant(*text);
  if (decoded.ok()) return *std::move(decoded.value);
  Failure failure;
  for (const codec::Problem& problem : decoded.problems) failure.lines.push_back(codec::FormatProblem(path, problem));
  return failure;
}

struct Capacity {
  double value = 0;
  std::string note;  // how it was assumed
};

// What nobody has said: from what a target allows an instance, or so that the largest load takes the largest capacity.
Capacity Assume(const policy::ScalingPolicy& policy, const std::vector<backtest::MetricInput>& inputs,
                const backtest::Series& series, const simulation::PlantParameters& plant) {
  const std::string share = backtest::FigureWords(100 * plant.utilization);
  for (size_t i = 0; i < policy.metrics.size(); ++i) {
    const auto* tracking = std::get_if<policy::TargetTracking>(&policy.metrics[i].strategy);
    if (tracking == nullptr || inputs[i].reads != backtest::Reads::kLoad) continue;
    if (policy.metrics[i].basis == policy::Basis::kValue) continue;
    const double value = tracking->target / plant.utilization;
    return {value, absl::StrCat("nobody said what one instance serves: ", backtest::FigureWords(value),
                                " is assumed, of which the target of '", policy.metrics[i].name, "' is ", share,
                                " %; say it with --capacity or --plant")};
  }
  const double value = series.peak > 0 ? series.peak / (plant.utilization * plant.max) : 1;
  return {value, absl::StrCat("nobody said what one instance serves: ", backtest::FigureWords(value),
                              " is assumed, so that the peak takes ", plant.max, " instances at ", share,
                              " %; say it with --capacity or --plant")};
}

class Simulation {
 public:
  Simulation(const SimulateOptions& options, const manifest::ProviderCheck& check,
             const std::function<std::string()>& standard_input)
      : options_(options), check_(check), standard_input_(standard_input) {}

  // In this order, so that the first mistake that is named is the one to mend first.
  std::optional<Failure> Run() {
    for (auto step :
         {&Simulation::ReadFlags, &Simulation::ReadPolicies, &Simulation::ReadSeries, &Simulation::SettlePlant,
          &Simulation::RunPolicies, &Simulation::RunBaselines, &Simulation::WriteFiles}) {
      if (auto failure = (this->*step)()) return failure;
    }
    return std::nullopt;
  }

  const backtest::Report& report() const { return report_; }

 private:
  std::optional<Failure> ReadFlags() {
    for (const std::string& text : options_.assertions) {
      auto assertion = backtest::ParseAssertion(text);
      if (!assertion.ok()) return Misuse(absl::StrCat("--assert: ", absl::string_view(assertion.status().message())));
      assertions_.push_back(*std::move(assertion));
    }
    std::vector<std::string> names = {"all"};
    for (const simulation::Baseline& baseline : simulation::Baselines()) names.emplace_back(baseline.name);
    for (const std::string& name : options_.baselines) {
      const bool all = name == "all";
      if (all) baselines_.clear();
      if (!all && simulation::FindBaseline(name) == nullptr) {
        const auto near = ClosestMatch(name, names);
        return Misuse(absl::StrCat(
            "--baseline: there is no '", Printable(name), "': ",
            near ? absl::StrCat("did you mean '", *near, "'?") : absl::StrCat("there is ", JoinWords(names, "and"))));
      }
      for (const simulation::Baseline& baseline : simulation::Baselines()) {
        if (all || baseline.name == name) baselines_.push_back(&baseline);
      }
      if (all) break;
    }
    return std::nullopt;
  }

  std::optional<Failure> ReadPolicies() {
    for (const std::string& what : {options_.policy, options_.against}) {
      if (what.empty()) continue;
      auto read = ReadPolicy(what, check_);
      if (auto* failure = std::get_if<Failure>(&read)) return std::move(*failure);
      policies_.push_back(std::get<NamedPolicy>(std::move(read)));
      const NamedPolicy& policy = policies_.back();
      if (policy.policy.mode == policy::Mode::kRecommend) {
        Note(absl::StrCat(policy.name, " is in mode Recommend; it is run as if it were enforced"));
      }
      if (policy.policy.suspend) Note(absl::StrCat(policy.name, " is suspended; it is run as if it were not"));
    }
    return std::nullopt;
  }

  std::optional<Failure> ReadSeries() {
    auto text = ReadSeriesText(options_.series, standard_input_);
    if (auto* failure = std::get_if<Failure>(&text)) return std::move(*failure);
    auto series = backtest::ParseSeries(std::get<std::string>(text), options_.gap);
    report_.series_name = options_.series == "-" ? "standard input" : options_.series;
    if (!series.ok()) {
      return Fail(absl::StrCat(report_.series_name, ": ", absl::string_view(series.status().message())));
    }
    report_.series = *std::move(series);
    const std::string unit = absl::StrReplaceAll(report_.series.value_name, {{"_", " "}});
    for (const NamedPolicy& policy : policies_) {
      // A policy that it is compared with need not have a metric of that name.
      const bool other = &policy != &policies_.front();
      auto inputs = backtest::InputsOf(policy.policy, options_.series_metric, unit);
      if (!inputs.ok() && other) inputs = backtest::InputsOf(policy.policy, "", unit);
      if (!inputs.ok()) {
        return Misuse(absl::StrCat("--series-metric: ", absl::string_view(inputs.status().message())));
      }
      inputs_.push_back(*std::move(inputs));
    }
    return std::nullopt;
  }

  std::optional<Failure> SettlePlant() {
    auto read = ReadPlant(options_.plant);
    if (auto* failure = std::get_if<Failure>(&read)) return std::move(*failure);
    const auto& file = std::get<backtest::PlantFile>(read);
    simulation::PlantParameters& plant = report_.plant;
    plant = file.parameters;
    policy::Limits hull = HullOf(policies_.front());
    for (const NamedPolicy& policy : policies_) {
      hull.min = std::min(hull.min, HullOf(policy).min);
      hull.max = std::max(hull.max, HullOf(policy).max);
    }
    plant.max = std::clamp(file.max.value_or(hull.max), 1, kMostInstances);
    plant.min = std::min(file.min.value_or(hull.min), plant.max);
    const std::optional<double> said = options_.capacity ? options_.capacity : file.capacity;
    if (said) {
      plant.capacity = *said;
    } else {
      Capacity assumed = Assume(policies_.front().policy, inputs_.front(), report_.series, plant);
      plant.capacity = assumed.value;
      Note(std::move(assumed.note));
    }
    if (absl::Status status = simulation::Check(plant); !status.ok()) return Fail(std::string(status.message()));
    const double steps = absl::FDivDuration(report_.series.span(), plant.step);
    if (steps > kMaxSteps) {
      return Fail(absl::StrCat(report_.series_name, ": covers ", backtest::SpanWords(report_.series.span()),
                               ", more than 100 million steps of ", backtest::SpanWords(plant.step),
                               ": take a part of it, or a larger stepSeconds in --plant"));
    }
    return std::nullopt;
  }

  std::optional<Failure> RunPolicies() {
    for (size_t i = 0; i < policies_.size(); ++i) {
      const NamedPolicy& policy = policies_[i];
      backtest::Track track(backtest::StepsOf(report_.series, report_.plant));
      const bool timeline = i == 0 && !options_.timeline.empty();
      if (timeline) timeline_ = backtest::TimelineHeader();
      const std::function<void(const backtest::Pass&)> on_pass = [&](const backtest::Pass& pass) {
        track.Add(pass);
        if (timeline) absl::StrAppend(&timeline_, backtest::TimelineRow(pass));
      };
      backtest::PolicyRun run{.name = policy.name, .file = policy.file, .inputs = inputs_[i]};
      run.unit = backtest::UnitOf(policy.policy);
      for (const policy::Metric& metric : policy.policy.metrics) run.metrics.push_back(metric.name);
      run.result = backtest::Run(
          {.policy = policy.policy, .inputs = inputs_[i], .plant = report_.plant, .series = report_.series}, on_pass);
      run.points = track.points();
      report_.policies.push_back(std::move(run));
    }
    for (const backtest::Assertion& assertion : assertions_) {
      report_.verdicts.push_back(backtest::Judge(assertion, report_.policies.front().result.figures));
    }
    return std::nullopt;
  }

  std::optional<Failure> RunBaselines() {
    if (baselines_.empty()) return std::nullopt;
    const std::vector<double> loads = simulation::LoadPerStep(backtest::PointsOf(report_.series), report_.plant.step);
    for (const simulation::Baseline* baseline : baselines_) {
      const auto strategy = baseline->make(report_.plant, loads);
      report_.baselines.push_back({.name = std::string(baseline->name),
                                   .title = std::string(baseline->title),
                                   .figures = simulation::Simulate(report_.plant, loads, *strategy)});
    }
    return std::nullopt;
  }

  std::optional<Failure> WriteFiles() {
    if (!options_.timeline.empty()) {
      if (auto failure = WriteFile(options_.timeline, timeline_)) return failure;
    }
    return options_.html.empty() ? std::nullopt : WriteFile(options_.html, backtest::RenderHtml(report_));
  }

  static policy::Limits HullOf(const NamedPolicy& policy) {
    return policy::HullOf(policy.policy.min_capacity, policy.policy.max_capacity, policy.policy.schedule);
  }

  void Note(std::string sentence) { report_.notes.push_back(std::move(sentence)); }

  const SimulateOptions& options_;
  const manifest::ProviderCheck& check_;
  const std::function<std::string()>& standard_input_;
  std::vector<backtest::Assertion> assertions_;
  std::vector<const simulation::Baseline*> baselines_;
  std::vector<NamedPolicy> policies_;
  std::vector<std::vector<backtest::MetricInput>> inputs_;  // one a policy
  std::string timeline_;
  backtest::Report report_;
};

}  // namespace

int RunSimulate(const SimulateOptions& options, const manifest::ProviderCheck& check,
                const std::function<std::string()>& standard_input, const backtest::TextStyle& style,
                const Output& output) {
  if (options.print_plant) {
    output.out(absl::StripSuffix(backtest::DefaultPlantText(), "\n"));
    return kOk;
  }
  Simulation simulation(options, check, standard_input);
  if (const auto failure = simulation.Run()) {
    for (const std::string& line : failure->lines) output.error(line);
    return failure->code;
  }
  const backtest::Report& report = simulation.report();
  if (options.output == "json") {
    output.out(absl::StripSuffix(backtest::RenderJson(report), "\n"));
  } else {
    for (const std::string& line : backtest::RenderText(report, style)) output.out(line);
  }
  bool missed = false;
  for (const backtest::Verdict& verdict : report.verdicts) {
    missed = missed || !verdict.holds;
    if (!verdict.holds || options.output == "text") output.error(absl::StrCat("ottoscale: ", verdict.sentence));
  }
  return missed ? kFindings : kOk;
}

}  // namespace ottoscale::operator_main
