#include "operator/explanation.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "operator/table.h"
#include "operator/what_if.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/decision/status.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/time_format.h"
#include "pkg/manifest/status.h"

namespace ottoscale::operator_main {
namespace {

using kubeapi::TextAt;
using nlohmann::json;

// What a stage asks, for who does not know its name.
struct StageQuestion {
  const char* stage;
  const char* question;
};
constexpr std::array<StageQuestion, 16> kQuestions = {{{"Target", "can the target be read and scaled"},
                                                       {"Quality", "which samples count"},
                                                       {"Strategy", "what the metric asks for"},
                                                       {"Combine", "what all metrics ask for together"},
                                                       {"Fallback", "is it long without sight"},
                                                       {"ManualChange", "has somebody else acted"},
                                                       {"Limits", "the bounds in force"},
                                                       {"Stabilise", "older recommendations of the window"},
                                                       {"Rate", "how much in how long"},
                                                       {"Projection", "would it be wanted back at once"},
                                                       {"Cooldown", "how soon after the last change"},
                                                       {"InFlight", "is the last change done"},
                                                       {"Clamp", "the bounds again, above all else"},
                                                       {"Clock", "was the clock set just now"},
                                                       {"Suspend", "is it held by spec.suspend"},
                                                       {"Mode", "may it be written"}}};

std::string QuestionOf(const std::string& stage) {
  const auto* it = std::find_if(kQuestions.begin(), kQuestions.end(),
                                [&](const StageQuestion& each) { return stage == each.stage; });
  return it == kQuestions.end() ? "" : it->question;
}

std::string Number(double value) {
  const std::optional<int64_t> integer = codec::ToInt64(value);
  return codec::Dump(integer ? json(*integer) : json(value));
}

Row MetricRow(const decision::MetricStatus& metric) {
  const std::string value =
      metric.value ? absl::StrCat(metric.censored ? "more than " : "", Number(*metric.value), " ", metric.unit) : "?";
  const std::string measured = metric.measured ? absl::StrCat("from ", Number(*metric.measured), " ", metric.unit) : "";
  const std::string run = metric.breaches_needed == 0 || metric.breaches == 0
                              ? ""
                              : absl::StrCat(metric.breaches, " of ", metric.breaches_needed, " in a row");
  const std::string when = metric.sampled_at ? absl::StrCat("measured ", kubeapi::PrintTime(*metric.sampled_at)) : "";
  return {Printable(metric.name),   Printable(value), Printable(measured), Printable(metric.state), run, when,
          Printable(metric.message)};
}

bool IsWell(const decision::Condition& condition) {
  for (const char* type : {"Ready", "ScalingActive", "AbleToScale"}) {
    if (condition.type == type) return condition.status == "True";
  }
  return condition.status == "False";  // ScalingLimited, Stalled, Reconciling, Suspended
}

void AddHead(const json& policy, const decision::PolicyStatus& status, std::vector<std::string>& lines) {
  const std::string mode = TextAt(policy, {"spec", "mode"});
  lines.push_back(Printable(absl::StrCat(
      TextAt(policy, {"metadata", "namespace"}), "/", TextAt(policy, {"metadata", "name"}), ": ",
      status.target.empty() ? "the target was not read yet" : status.target, ", ", mode.empty() ? "Enforce" : mode)));
  std::string line;
  if (status.current_capacity && status.target_capacity) {
    absl::StrAppend(&line, *status.current_capacity, " ready of ", *status.target_capacity);
  }
  if (status.desired_capacity) absl::StrAppend(&line, line.empty() ? "" : ", ", *status.desired_capacity, " wanted");
  if (const auto& bounds = status.effective_bounds) {
    const auto from = [](const std::string& name) { return name.empty() ? "" : absl::StrCat(" (", name, ")"); };
    absl::StrAppend(&line, line.empty() ? "" : ", ", "bounds ", bounds->min, from(bounds->min_from), " to ",
                    bounds->max, from(bounds->max_from));
  }
  if (!line.empty()) lines.push_back(absl::StrCat("  ", Printable(line)));
  const int64_t generation = kubeapi::IntegerAt(policy, {"metadata", "generation"}).value_or(0);
  if (status.observed_generation < generation) {
    lines.push_back("  The spec has changed since: what follows speaks of the one before.");
  }
}

void AddDecision(const decision::DecisionStatus& decided, std::vector<std::string>& lines) {
  lines.push_back("");
  lines.push_back(Printable(absl::StrCat(decided.action, " ", Step(decided.from, decided.to), ": ", decided.reason,
                                         ", ", kubeapi::PrintTime(decided.time))));
  if (!decided.message.empty()) lines.push_back(absl::StrCat("  ", Printable(decided.message)));
}

void AddStages(const decision::DecisionStatus& decided, std::vector<std::string>& lines) {
  if (decided.stages.empty()) return;
  lines.insert(lines.end(), {"", "Stage by stage"});
  std::vector<Row> rows;
  for (const decision::StageStatus& stage : decided.stages) {
    rows.push_back({Printable(stage.stage), Printable(stage.metric), Step(stage.in, stage.out), Printable(stage.code),
                    QuestionOf(stage.stage)});
  }
  AddTable(rows, lines);
}

void AddConditions(const decision::PolicyStatus& status, std::vector<std::string>& lines) {
  std::vector<Row> rows;
  for (const decision::Condition& condition : status.conditions) {
    if (IsWell(condition)) continue;
    rows.push_back({Printable(absl::StrCat(condition.type, "=", condition.status)), Printable(condition.reason),
                    Printable(condition.message)});
  }
  if (rows.empty()) return;
  lines.insert(lines.end(), {"", "To know"});
  AddTable(rows, lines);
}

void AddHistory(const decision::PolicyStatus& status, std::vector<std::string>& lines) {
  if (status.history.empty()) return;
  lines.insert(lines.end(), {"", "Last changes"});
  std::vector<Row> rows;
  for (auto entry = status.history.rbegin(); entry != status.history.rend(); ++entry) {
    rows.push_back({kubeapi::PrintTime(entry->time), Step(entry->from, entry->to), Printable(entry->result),
                    Printable(entry->reason), Printable(entry->message)});
  }
  AddTable(rows, lines);
}

void AddWhatIf(const json& policy, std::optional<int> why_not, std::vector<std::string>& lines) {
  const auto answer = AskAgain(policy, why_not);
  if (const auto* unknown = std::get_if<std::string>(&answer)) {
    lines.insert(lines.end(), {"", absl::StrCat("What would change it cannot be told: ", *unknown, ".")});
    return;
  }
  const std::vector<std::string> more = WhatIfInWords(std::get<WhatIf>(answer));
  lines.insert(lines.end(), more.begin(), more.end());
}

json StatusOf(const json& policy) {
  const json* status = kubeapi::Find(policy, "status");
  return status == nullptr ? json::object() : *status;
}

}  // namespace

std::vector<std::string> ExplainInWords(const json& policy, std::optional<int> why_not) {
  decision::PolicyStatus status = manifest::DecodeStatus(StatusOf(policy));
  if (status.decision && status.decision->action.empty()) status.decision.reset();  // something else than a decision
  std::vector<std::string> lines;
  AddHead(policy, status, lines);
  if (status.decision) {
    AddDecision(*status.decision, lines);
  } else {
    lines.insert(lines.end(), {"", "Nothing was decided yet: is an Ottoscale running that watches this namespace?"});
  }
  if (status.next_scale_time) {
    lines.push_back(absl::StrCat("  What holds it back ends at ", kubeapi::PrintTime(*status.next_scale_time), "."));
  }
  if (!status.metrics.empty()) {
    lines.insert(lines.end(), {"", "Metrics"});
    std::vector<Row> rows;
    for (const decision::MetricStatus& metric : status.metrics) rows.push_back(MetricRow(metric));
    AddTable(rows, lines);
  }
  if (status.decision) {
    AddStages(*status.decision, lines);
    AddWhatIf(policy, why_not, lines);
  }
  AddConditions(status, lines);
  AddHistory(status, lines);
  return lines;
}

json ExplainAsJson(const json& policy, std::optional<int> why_not) {
  const std::string mode = TextAt(policy, {"spec", "mode"});
  json out = {{"name", TextAt(policy, {"metadata", "name"})},
              {"namespace", TextAt(policy, {"metadata", "namespace"})},
              {"mode", mode.empty() ? "Enforce" : mode}};
  const json status = StatusOf(policy);
  out["current"] = manifest::DecodeStatus(status).observed_generation >=
                   kubeapi::IntegerAt(policy, {"metadata", "generation"}).value_or(0);
  for (const char* key : {"target", "currentCapacity", "targetCapacity", "desiredCapacity", "effectiveBounds",
                          "metrics", "decision", "nextScaleTime", "conditions", "history"}) {
    if (const json* value = kubeapi::Find(status, key)) out[key] = *value;
  }
  const auto answer = AskAgain(policy, why_not);
  if (const auto* unknown = std::get_if<std::string>(&answer)) {
    out["counterfactual"] = {{"unknown", *unknown}};
  } else {
    out.update(WhatIfAsJson(std::get<WhatIf>(answer)));
  }
  return out;
}

}  // namespace ottoscale::operator_main
