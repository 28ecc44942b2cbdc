"""The Threshold strategy between the plain bounds; all times of spec.behavior are taken as 0."""
from dataclasses import dataclass

MISSING, VALID, CENSORED = "Missing", "Valid", "Censored"  # CENSORED: more than the value


@dataclass(slots=True)
class Sample:
    state: str = MISSING
    value: float = 0.0  # milliseconds


@dataclass(slots=True)
class Target:
    app_id: str = ""
    app_name: str = ""
    quantity: int = 0
    ready: int = 0
    maintenance: bool = False


@dataclass(slots=True)
class Run:
    """Samples in a row on one side of the thresholds."""
    length: int = 0
    above: bool = False


@dataclass(slots=True)
class Decision:
    start: int
    to: int
    run: Run
    needed: int
    reason: str = ""
    metric_state: str = ""

    @property
    def action(self):
        return "Hold" if self.to == self.start else "ScaleOut" if self.to > self.start else "ScaleIn"


def decide(spec, run, target, sample):
    start, minimum = target.quantity, spec["minCapacity"]
    metric = spec["metrics"][0]
    decision = Decision(start, start, run, metric["strategy"]["threshold"]["breachesToScaleOut"])
    if target.maintenance or (start == 0 and minimum >= 1):
        decision.metric_state = "Ignored"
        decision.reason = "TargetOff" if target.maintenance else "ScaledToZero"
        return decision
    _judge(metric, decision, sample)
    correction = _keep_limits(decision, minimum, spec["maxCapacity"])
    if target.ready != start and (decision.to < start or (decision.to > start and not correction)):
        decision.to, decision.reason = start, "InFlight"
    return decision


def _judge(metric, decision, sample):
    threshold = metric["strategy"]["threshold"]
    upper, lower = float(threshold["upper"]), float(threshold["lower"])
    censored = sample.state == CENSORED
    above = sample.value > upper or (censored and sample.value >= upper)
    if decision.start == 0:  # nothing runs that could answer for itself
        decision.metric_state, decision.reason = "Ignored", "SampleMissing"
        return
    if sample.state == MISSING:
        decision.metric_state, decision.reason = "Missing", "SampleMissing"
        return
    if censored and not above:  # it may lie on either side
        decision.metric_state, decision.reason = "Ignored", "SampleMissing"
        return
    if not above and sample.value >= lower:
        decision.metric_state, decision.reason, decision.run = "InRange", "WithinThresholds", Run()
        return
    before = decision.run.length if decision.run.above == above else 0
    decision.run = Run(before + 1, above)
    decision.metric_state = "AboveUpper" if above else "BelowLower"
    decision.needed = threshold["breachesToScaleOut" if above else "breachesToScaleIn"]
    if decision.run.length < decision.needed:
        decision.reason = "Breaching"
    elif above:
        decision.reason, decision.to = "ThresholdBreached", decision.start + threshold["stepOut"]
    elif metric.get("directions") == "ScaleOutOnly":
        decision.reason = "ScaleOutOnly"
    else:
        decision.reason, decision.to = "ThresholdBreached", max(0, decision.start - threshold["stepIn"])


def _keep_limits(decision, minimum, maximum):
    """Whether the capacity itself was outside the bounds."""
    if decision.start < minimum:
        decision.to, decision.reason = minimum, "BelowMinCapacity"
        return True
    if decision.start > maximum:
        decision.to, decision.reason = maximum, "AboveMaxCapacity"
        return True
    if decision.to > maximum:
        decision.to, decision.reason = maximum, "LimitedByMaxCapacity"
    elif decision.to < minimum:
        decision.to, decision.reason = minimum, "LimitedByMinCapacity"
    return False
