package main

import "ottoscale.dev/test/bench/peers/controller-runtime/api/v1alpha1"

type sampleState int

const (
	sampleMissing sampleState = iota
	sampleValid
	sampleCensored // more than value
)

type sample struct {
	state sampleState
	value float64 // milliseconds
}

type targetState struct {
	appID, appName  string
	quantity, ready int
	maintenance     bool
}

// run counts samples in a row on one side of the thresholds.
type run struct {
	length int
	above  bool
}

type decision struct {
	action      string // Hold, ScaleOut, ScaleIn
	from, to    int
	reason      string
	metricState string
	run         run
	needed      int
}

// decide is the Threshold strategy between the plain bounds; all times of spec.behavior are taken as 0.
func decide(spec *v1alpha1.ScalingPolicySpec, before run, target targetState, seen sample) decision {
	from := target.quantity
	d := decision{action: "Hold", from: from, to: from, run: before}
	d.needed = spec.Metrics[0].Strategy.Threshold.BreachesToScaleOut
	if target.maintenance || (from == 0 && spec.MinCapacity >= 1) {
		d.metricState, d.reason = "Ignored", "ScaledToZero"
		if target.maintenance {
			d.reason = "TargetOff"
		}
		return d
	}
	judge(&spec.Metrics[0], &d, seen)
	correction := keepLimits(spec, &d)
	inFlight := target.ready != target.quantity
	if inFlight && (d.to < from || (d.to > from && !correction)) {
		d.to, d.reason = from, "InFlight"
	}
	if d.to > from {
		d.action = "ScaleOut"
	} else if d.to < from {
		d.action = "ScaleIn"
	}
	return d
}

func judge(metric *v1alpha1.Metric, d *decision, seen sample) {
	threshold := metric.Strategy.Threshold
	upper, lower := float64(threshold.Upper), float64(threshold.Lower)
	censored := seen.state == sampleCensored
	above := seen.value > upper || (censored && seen.value >= upper)
	switch {
	case d.from == 0: // nothing runs that could answer for itself
		d.metricState, d.reason = "Ignored", "SampleMissing"
		return
	case seen.state == sampleMissing:
		d.metricState, d.reason = "Missing", "SampleMissing"
		return
	case censored && !above: // it may lie on either side
		d.metricState, d.reason = "Ignored", "SampleMissing"
		return
	case !above && seen.value >= lower:
		d.metricState, d.reason, d.run = "InRange", "WithinThresholds", run{}
		return
	}
	if above != d.run.above {
		d.run = run{above: above}
	}
	d.run.length++
	d.metricState, d.needed = "BelowLower", threshold.BreachesToScaleIn
	if above {
		d.metricState, d.needed = "AboveUpper", threshold.BreachesToScaleOut
	}
	switch {
	case d.run.length < d.needed:
		d.reason = "Breaching"
	case above:
		d.reason, d.to = "ThresholdBreached", d.from+threshold.StepOut
	case metric.Directions == "ScaleOutOnly":
		d.reason = "ScaleOutOnly"
	default:
		d.reason, d.to = "ThresholdBreached", max(0, d.from-threshold.StepIn)
	}
}

// keepLimits says whether the capacity itself was outside the bounds.
func keepLimits(spec *v1alpha1.ScalingPolicySpec, d *decision) bool {
	switch {
	case d.from < spec.MinCapacity:
		d.to, d.reason = spec.MinCapacity, "BelowMinCapacity"
		return true
	case d.from > spec.MaxCapacity:
		d.to, d.reason = spec.MaxCapacity, "AboveMaxCapacity"
		return true
	case d.to > spec.MaxCapacity:
		d.to, d.reason = spec.MaxCapacity, "LimitedByMaxCapacity"
	case d.to < spec.MinCapacity:
		d.to, d.reason = spec.MinCapacity, "LimitedByMinCapacity"
	}
	return false
}
