package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"ottoscale.dev/test/bench/peers/controller-runtime/api/v1alpha1"
)

const (
	fieldOwner = "ottoscale-controller-runtime"
	// A measured value alone is written this often at most.
	refreshReadings = 10 * time.Minute
)

func pointer[T any](value T) *T { return &value }

func statusOf(policy *v1alpha1.ScalingPolicy, target targetState, seen sample, d decision, now metav1.Time) v1alpha1.ScalingPolicyStatus {
	process := policy.Spec.Target.HerokuFormation.ProcessType
	metric := policy.Spec.Metrics[0]
	reading := v1alpha1.MetricStatus{Name: metric.Name, State: d.metricState, Unit: "ms", Breaches: d.run.length, BreachesNeeded: d.needed}
	value := "?"
	if seen.state != sampleMissing {
		reading.Value, reading.SampledAt, reading.Censored = &seen.value, &now, seen.state == sampleCensored
		value = fmt.Sprintf("%.0f", seen.value)
	}
	display := "heroku/" + target.appName + "/" + process
	return v1alpha1.ScalingPolicyStatus{
		ObservedGeneration: policy.Generation,
		Target:             display,
		TargetUID:          target.appID + "/" + process,
		CurrentCapacity:    &target.ready,
		TargetCapacity:     &target.quantity,
		DesiredCapacity:    &d.to,
		Metrics:            []v1alpha1.MetricStatus{reading},
		MetricSummary:      fmt.Sprintf("%s %s/%gms", metric.Name, value, metric.Strategy.Threshold.Upper),
		Decision:           &v1alpha1.DecisionStatus{Action: d.action, From: d.from, To: d.to, Reason: d.reason, Time: now},
		Conditions:         []metav1.Condition{ready(policy, metav1.ConditionTrue, "Reconciled", display+" is read", now)},
	}
}

func ready(policy *v1alpha1.ScalingPolicy, status metav1.ConditionStatus, reason, message string, now metav1.Time) metav1.Condition {
	return metav1.Condition{Type: "Ready", Status: status, Reason: reason, Message: message,
		ObservedGeneration: policy.Generation, LastTransitionTime: now}
}

// keepTimes: since when it has been so.
func keepTimes(before, after *v1alpha1.ScalingPolicyStatus) {
	if old, now := before.Decision, after.Decision; old != nil && now != nil &&
		old.Action == now.Action && old.From == now.From && old.To == now.To && old.Reason == now.Reason {
		now.Time = old.Time
	}
	for i := range after.Conditions {
		for _, old := range before.Conditions {
			if old.Type == after.Conditions[i].Type && old.Status == after.Conditions[i].Status {
				after.Conditions[i].LastTransitionTime = old.LastTransitionTime
			}
		}
	}
}

// sameMeaning: all but readings is equal; times are kept by keepTimes.
func sameMeaning(before, after *v1alpha1.ScalingPolicyStatus) bool {
	a, b := *before, *after
	a.Metrics, b.Metrics = nil, nil
	a.MetricSummary, b.MetricSummary = "", ""
	return reflect.DeepEqual(a, b)
}

func (e *entry) worthWriting(status *v1alpha1.ScalingPolicyStatus, now time.Time) bool {
	if e.reported == nil || !sameMeaning(e.reported, status) {
		return true
	}
	return now.Sub(e.reportedAt) >= refreshReadings && e.reported.MetricSummary != status.MetricSummary
}

// report applies the whole status, when it says something new.
func (r *reconciler) report(ctx context.Context, policy *v1alpha1.ScalingPolicy, e *entry, status v1alpha1.ScalingPolicyStatus, now time.Time) error {
	if e.reported != nil {
		keepTimes(e.reported, &status)
	}
	if !e.worthWriting(&status, now) {
		return nil
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "ScalingPolicy",
		"metadata": map[string]string{"name": policy.Name, "namespace": policy.Namespace}, "status": status})
	if err != nil {
		return err
	}
	object := &v1alpha1.ScalingPolicy{ObjectMeta: metav1.ObjectMeta{Name: policy.Name, Namespace: policy.Namespace}}
	patch := client.RawPatch(types.ApplyPatchType, body)
	if err := r.Status().Patch(ctx, object, patch, client.FieldOwner(fieldOwner), client.ForceOwnership); err != nil {
		e.reported = nil // what stands there is not known
		return client.IgnoreNotFound(err)
	}
	r.pace.count(&r.pace.statuses)
	e.reported, e.reportedAt = &status, now
	return nil
}
