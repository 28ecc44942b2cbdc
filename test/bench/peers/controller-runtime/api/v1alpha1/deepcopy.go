package v1alpha1

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func pointee[T any](from *T) *T {
	if from == nil {
		return nil
	}
	to := *from
	return &to
}

func (in *CloudAccount) DeepCopy() *CloudAccount {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.Heroku = pointee(in.Spec.Heroku)
	return &out
}

func (in *CloudAccount) DeepCopyObject() runtime.Object { return in.DeepCopy() }

func (in *CloudAccountList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = slices.Clone(in.Items)
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopy()
	}
	return &out
}

func (in *ScalingPolicySpec) DeepCopy() *ScalingPolicySpec {
	out := *in
	out.Target.HerokuFormation = pointee(in.Target.HerokuFormation)
	out.Metrics = slices.Clone(in.Metrics)
	for i := range in.Metrics {
		from, to := &in.Metrics[i], &out.Metrics[i]
		to.Source.HTTPHeartbeat = pointee(from.Source.HTTPHeartbeat)
		to.Strategy.Threshold = pointee(from.Strategy.Threshold)
		if heartbeat := to.Source.HTTPHeartbeat; heartbeat != nil {
			heartbeat.ExpectedStatuses = slices.Clone(heartbeat.ExpectedStatuses)
		}
	}
	return &out
}

func (in *ScalingPolicyStatus) DeepCopy() *ScalingPolicyStatus {
	out := *in
	out.CurrentCapacity, out.TargetCapacity = pointee(in.CurrentCapacity), pointee(in.TargetCapacity)
	out.DesiredCapacity, out.Decision = pointee(in.DesiredCapacity), pointee(in.Decision)
	out.Metrics = slices.Clone(in.Metrics)
	for i := range out.Metrics {
		out.Metrics[i].Value = pointee(out.Metrics[i].Value)
		out.Metrics[i].SampledAt = pointee(out.Metrics[i].SampledAt)
	}
	out.Conditions = make([]metav1.Condition, len(in.Conditions))
	for i := range in.Conditions {
		in.Conditions[i].DeepCopyInto(&out.Conditions[i])
	}
	return &out
}

func (in *ScalingPolicy) DeepCopy() *ScalingPolicy {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec = *in.Spec.DeepCopy()
	out.Status = *in.Status.DeepCopy()
	return &out
}

func (in *ScalingPolicy) DeepCopyObject() runtime.Object { return in.DeepCopy() }

func (in *ScalingPolicyList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = slices.Clone(in.Items)
	for i := range in.Items {
		out.Items[i] = *in.Items[i].DeepCopy()
	}
	return &out
}
