#include "operator/what_if.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "operator/table.h"
#include "pkg/base/text.h"
#include "pkg/codec/json.h"
#include "pkg/decision/words.h"
#include "pkg/kubeapi/object.h"
#include "pkg/kubeapi/time_format.h"
#include "pkg/manifest/manifest.h"

namespace ottoscale::operator_main {
namespace {

using decision::Decision;
using decision::LaterChange;
using decision::MetricCounterfactual;
using decision::NearestValue;
using decision::NearestValues;
using decision::Reason;
using decision::WhyNot;
using nlohmann::json;

bool IsOf(const decision::DecisionStatus& status, const Decision& decision) {
  return status.from == decision.from && status.to == decision.to && status.reason == CodeName(decision.code);
}

std::string Number(double value) {
  const std::optional<int64_t> integer = codec::ToInt64(value);
  return codec::Dump(integer ? json(*integer) : json(value));
}

std::string ValueIn(double value, const std::string& unit) {
  return absl::StrCat(Number(value), unit.empty() ? "" : " ", unit);
}

std::string When(const NearestValue& value) {
  if (value.after == absl::ZeroDuration()) return "at once";
  return absl::StrCat("when read again for ", decision::DurationWords(value.after));
}

std::string At(const LaterChange& later, absl::Time as_of) {
  const absl::Duration after = later.at.wall - as_of;
  return absl::StrCat("in ", decision::DurationWords(after), ", at ", kubeapi::PrintTime(later.at.wall));
}

void AddValue(const WhatIf& answer, const MetricCounterfactual& metric, const std::optional<NearestValue>& value,
              std::vector<Row>& rows) {
  if (!value) return;
  const std::string compared =
      value->compared ? absl::StrCat("which counts as ", ValueIn(*value->compared, metric.unit)) : "";
  rows.push_back({Printable(metric.name), Printable(absl::StrCat("at ", ValueIn(value->value, metric.unit))),
                  Printable(absl::StrCat("instead of ", ValueIn(*metric.measured, metric.unit))), Printable(compared),
                  Step(answer.from, value->to), CodeName(value->code), When(*value)});
}

void AddCounterfactual(const WhatIf& answer, std::vector<std::string>& lines) {
  lines.insert(lines.end(), {"", absl::StrCat("What would change it, as of ", kubeapi::PrintTime(answer.as_of))});
  std::vector<Row> rows;
  for (const MetricCounterfactual& metric : answer.counterfactual.metrics) {
    for (const NearestValues& values : {metric.above, metric.below}) {
      AddValue(answer, metric, values.kept, rows);
      AddValue(answer, metric, values.at_once, rows);
    }
  }
  AddTable(rows, lines);
  if (rows.empty()) lines.push_back("  No other reading of a single metric.");
  if (const auto& later = answer.counterfactual.later) {
    lines.push_back(absl::StrCat("  The same readings ", At(*later, answer.as_of), ": ", Step(answer.from, later->to),
                                 ", ", CodeName(later->code)));
  } else if (answer.holds) {
    lines.push_back("  No time alone: the same readings would go on giving the same.");
  }
}

std::string StageWords(const Reason& reason) {
  return absl::StrCat(StageName(reason.stage), " led away from it: ", ReasonWords(reason), " (", CodeName(reason.code),
                      ")");
}

void AddWay(const WhyNot& why, const WhyNot::Way& way, std::vector<std::string>& lines) {
  if (!way.value) {
    lines.push_back(Printable(absl::StrCat("  ", way.metric, ": no reading of it alone")));
    return;
  }
  const std::string value = ValueIn(way.value->value, way.unit);
  const std::string past = way.value->to == why.capacity
                               ? absl::StrCat("  ", way.metric, " at ", value, " would give ", why.capacity)
                               : absl::StrCat("  ", way.metric, ": none; ", value, " would give ", way.value->to);
  lines.push_back(Printable(absl::StrCat(past, ", ", When(*way.value))));
}

void AddUtmost(const WhyNot& why, bool up, std::vector<std::string>& lines) {
  if (why.utmost == why.capacity) return;
  std::string line = absl::StrCat("  With every reading as ", up ? "high" : "low", " as can be the metrics ask for ",
                                  why.utmost_asked, ", and ", why.utmost, " is decided: ");
  if (why.utmost_blocked) {
    absl::StrAppend(&line, StageName(why.utmost_blocked->stage), " says ", CodeName(why.utmost_blocked->code));
  } else {
    absl::StrAppend(&line, CodeName(why.utmost_code));
  }
  lines.push_back(std::move(line));
}

void AddWhyNot(const WhatIf& answer, const WhyNot& why, std::vector<std::string>& lines) {
  lines.insert(lines.end(), {"", absl::StrCat("Why not ", why.capacity)});
  if (why.decided) {
    lines.push_back("  That is what was decided.");
    return;
  }
  if (why.capacity < why.limits.min || why.capacity > why.limits.max) {
    lines.push_back(
        absl::StrCat("  It is outside the bounds, which are ", why.limits.min, " to ", why.limits.max, "."));
  }
  // Where no stage had it, what was decided says why the metrics do not ask for it.
  const std::string code = why.blocked ? "" : absl::StrCat(" (", CodeName(why.code), ")");
  lines.push_back(absl::StrCat("  The metrics ask for ", why.asked, code, "."));
  if (why.blocked) lines.push_back(Printable(absl::StrCat("  ", StageWords(*why.blocked))));
  for (const WhyNot::Way& way : why.ways) AddWay(why, way, lines);
  if (why.later) lines.push_back(absl::StrCat("  The same readings would give it ", At(*why.later, answer.as_of)));
  AddUtmost(why, why.up, lines);
}

json AsJson(const NearestValue& value) {
  json out = {{"value", value.value}, {"to", value.to}, {"reason", CodeName(value.code)}};
  if (value.compared) out["compared"] = *value.compared;
  if (value.after != absl::ZeroDuration()) out["afterSeconds"] = absl::ToDoubleSeconds(value.after);
  return out;
}

json AsJson(const NearestValues& values) {
  json out = json::object();
  if (values.at_once) out["atOnce"] = AsJson(*values.at_once);
  if (values.kept) out["kept"] = AsJson(*values.kept);
  return out;
}

json AsJson(const LaterChange& later, absl::Time as_of) {
  return {{"time", kubeapi::PrintTime(later.at.wall)},
          {"afterSeconds", absl::ToDoubleSeconds(later.at.wall - as_of)},
          {"to", later.to},
          {"reason", CodeName(later.code)}};
}

json AsJson(const Reason& reason) {
  return {{"stage", StageName(reason.stage)},
          {"reason", CodeName(reason.code)},
          {"in", reason.in},
          {"out", reason.out},
          {"message", ReasonWords(reason)}};
}

json AsJson(const WhyNot& why, absl::Time as_of) {
  json out = {{"capacity", why.capacity}, {"decided", why.decided}};
  if (why.decided) return out;
  out["bounds"] = {{"min", why.limits.min}, {"max", why.limits.max}};
  out["asked"] = why.asked;
  out["reason"] = CodeName(why.code);
  if (why.blocked) out["blocked"] = AsJson(*why.blocked);
  for (const WhyNot::Way& way : why.ways) {
    json metric = {{"name", way.metric}, {"unit", way.unit}};
    if (way.value) metric["nearest"] = AsJson(*way.value);
    out["metrics"].push_back(std::move(metric));
  }
  if (why.later) out["later"] = AsJson(*why.later, as_of);
  out["utmost"] = {{"asked", why.utmost_asked}, {"to", why.utmost}, {"reason", CodeName(why.utmost_code)}};
  if (why.utmost_blocked) {
    out["utmost"]["blocked"] = {{"stage", StageName(why.utmost_blocked->stage)},
                                {"reason", CodeName(why.utmost_blocked->code)}};
  }
  return out;
}

}  // namespace

std::variant<WhatIf, std::string> AskAgain(const json& policy, std::optional<int> why_not) {
  const json* raw = kubeapi::Find(policy, "status");
  const decision::PolicyStatus status = manifest::DecodeStatus(raw == nullptr ? json::object() : *raw);
  if (!status.decision || status.decision->action.empty()) return std::string("nothing was decided yet");
  if (status.observed_generation < kubeapi::IntegerAt(policy, {"metadata", "generation"}).value_or(0)) {
    return std::string("the spec has changed since the decision");
  }
  if (status.memory == nullptr) {
    return std::string(
        "the status has no memory of what was decided upon: it comes from an older operator, the CRDs in the cluster "
        "are "
        "older than the operator, or it was larger than they allow");
  }
  manifest::Decoded<policy::ScalingPolicy> spec = manifest::DecodeScalingPolicy(policy);
  if (!spec.ok()) return std::string("the spec is invalid: see `ottoscale validate`");
  spec.value->ceilings = status.memory->ceilings;
  const decision::Situation& situation = status.memory->situation;
  const Decision decided = Decide(*spec.value, situation.history, situation.seen, situation.now);
  if (!IsOf(*status.decision, decided)) {
    return std::string("asked again, this version of ottoscale decides otherwise than the operator did");
  }
  WhatIf answer{.as_of = situation.now.wall,
                .from = decided.from,
                .holds = !decided.write,
                .counterfactual = FindCounterfactual(*spec.value, situation)};
  if (why_not) answer.why_not = FindWhyNot(*spec.value, situation, *why_not);
  return answer;
}

std::vector<std::string> WhatIfInWords(const WhatIf& answer) {
  std::vector<std::string> lines;
  AddCounterfactual(answer, lines);
  if (answer.why_not) AddWhyNot(answer, *answer.why_not, lines);
  return lines;
}

json WhatIfAsJson(const WhatIf& answer) {
  json found = {{"asOf", kubeapi::PrintTime(answer.as_of)}, {"metrics", json::array()}};
  for (const MetricCounterfactual& metric : answer.counterfactual.metrics) {
    json one = {{"name", metric.name}, {"unit", metric.unit}};
    if (metric.measured) {
      one["measured"] = *metric.measured;
      one["step"] = metric.step;
      one["above"] = AsJson(metric.above);
      one["below"] = AsJson(metric.below);
    }
    found["metrics"].push_back(std::move(one));
  }
  if (const auto& later = answer.counterfactual.later) found["later"] = AsJson(*later, answer.as_of);
  json out = {{"counterfactual", std::move(found)}};
  if (answer.why_not) out["whyNot"] = AsJson(*answer.why_not, answer.as_of);
  return out;
}

}  // namespace ottoscale::operator_main
