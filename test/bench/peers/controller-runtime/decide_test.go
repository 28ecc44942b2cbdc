package main

import (
	"encoding/json"
	"os"
	"testing"

	"ottoscale.dev/test/bench/peers/controller-runtime/api/v1alpha1"
)

type thresholdCase struct {
	Name       string
	Min, Max   int
	Directions string
	Threshold  v1alpha1.Threshold
	Steps      []struct {
		Quantity    int
		Ready       *int
		Maintenance bool
		Value, Over *float64

		To       int
		Reason   string
		State    string
		Breaches int
	}
}

// The cases are those of the other peer.
func TestDecideFollowsTheCases(t *testing.T) {
	text, err := os.ReadFile("../threshold_cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []thresholdCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, one := range cases {
		metric := v1alpha1.Metric{Directions: one.Directions, Strategy: v1alpha1.Strategy{Threshold: &one.Threshold}}
		spec := &v1alpha1.ScalingPolicySpec{MinCapacity: one.Min, MaxCapacity: one.Max, Metrics: []v1alpha1.Metric{metric}}
		before := run{}
		for number, step := range one.Steps {
			target := targetState{quantity: step.Quantity, ready: step.Quantity, maintenance: step.Maintenance}
			if step.Ready != nil {
				target.ready = *step.Ready
			}
			seen := sample{}
			if step.Value != nil {
				seen = sample{sampleValid, *step.Value}
			} else if step.Over != nil {
				seen = sample{sampleCensored, *step.Over}
			}
			d := decide(spec, before, target, seen)
			if d.to != step.To || d.reason != step.Reason || d.metricState != step.State || d.run.length != step.Breaches {
				t.Errorf("%s, step %d: %+v, wanted %+v", one.Name, number, d, step)
			}
			before = d.run
		}
	}
}
