package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"ottoscale.dev/test/bench/peers/controller-runtime/api/v1alpha1"
)

const targetTimeout = 20 * time.Second

// entry is what is kept of a policy between polls. A key is never reconciled twice at once.
type entry struct {
	uid        types.UID
	generation int64
	planned    time.Time // of the next poll
	requested  time.Time // when the queue was asked to call: planned, or the end of the last poll when that is later
	target     *formation
	quantity   *int // that the target last stood at
	run        run
	reported   *v1alpha1.ScalingPolicyStatus
	reportedAt time.Time
}

type reconciler struct {
	client.Client
	cloud, probe *http.Client
	pace         *pace
	entries      sync.Map // types.NamespacedName -> *entry
}

func period(policy *v1alpha1.ScalingPolicy) time.Duration {
	return time.Duration(policy.Spec.PollPeriodSeconds) * time.Second
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	policy := &v1alpha1.ScalingPolicy{}
	if err := r.Get(ctx, request.NamespacedName, policy); err != nil {
		r.entries.Delete(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	known, _ := r.entries.LoadOrStore(request.NamespacedName, &entry{})
	e, now := known.(*entry), time.Now()
	if e.uid != policy.UID {
		// Spread over the period, so that policies made together, or found at the start, do not stay together.
		first := now.Add(time.Duration(rand.Int64N(int64(period(policy)))))
		*e = entry{uid: policy.UID, generation: policy.Generation, planned: first, requested: first}
		return ctrl.Result{RequeueAfter: first.Sub(now)}, nil
	}
	if e.generation != policy.Generation { // another spec is looked at once
		*e = entry{uid: policy.UID, generation: policy.Generation, planned: now, requested: now, quantity: e.quantity}
	}
	if early := e.planned.Sub(now); early > 0 { // a call that was asked for before the spec changed
		return ctrl.Result{RequeueAfter: early}, nil
	}
	r.pace.started(now.Sub(e.planned), now.Sub(e.requested))
	if err := r.poll(ctx, policy, e, now); err != nil && ctx.Err() == nil {
		r.pace.count(&r.pace.errors)
		log.FromContext(ctx).Error(err, "poll")
	}
	e.planned = e.planned.Add(period(policy))
	end := time.Now()
	wait := max(e.planned.Sub(end), time.Nanosecond)
	e.requested = end.Add(wait)
	return ctrl.Result{RequeueAfter: wait}, nil
}

func (r *reconciler) poll(ctx context.Context, policy *v1alpha1.ScalingPolicy, e *entry, start time.Time) error {
	if err := r.prepareTarget(ctx, policy, e); err != nil {
		return errors.Join(err, r.reportFailure(ctx, policy, e, "AccountNotReady", err, start))
	}
	beat := make(chan sample, 1)
	go func() { beat <- readHeartbeat(ctx, r.probe, policy.Spec.Metrics[0].Source.HTTPHeartbeat) }()
	reading, cancel := context.WithTimeout(ctx, targetTimeout)
	defer cancel()
	target, err := e.target.read(reading)
	seen := <-beat
	if errors.Is(err, errNotFound) {
		return errors.Join(err, r.reportFailure(ctx, policy, e, "TargetNotFound", err, start))
	}
	if err != nil {
		return err
	}
	if e.quantity != nil && *e.quantity != target.quantity { // somebody else has changed it
		e.run.length = 0
	}
	e.quantity = pointer(target.quantity)

	d := decide(&policy.Spec, e.run, target, seen)
	e.run = d.run
	if d.to != d.from && policy.Spec.Mode != "Recommend" {
		if err := e.target.setQuantity(ctx, d.to); err != nil {
			return err
		}
		r.pace.count(&r.pace.patches)
		target.quantity, e.quantity, e.run.length = d.to, pointer(d.to), 0
	}
	now := time.Now()
	return r.report(ctx, policy, e, statusOf(policy, target, seen, d, metav1.NewTime(now)), now)
}

func (r *reconciler) reportFailure(ctx context.Context, policy *v1alpha1.ScalingPolicy, e *entry, reason string, err error, now time.Time) error {
	status := v1alpha1.ScalingPolicyStatus{}
	if e.reported != nil {
		status = *e.reported
	}
	status.ObservedGeneration = policy.Generation
	status.Conditions = []metav1.Condition{ready(policy, metav1.ConditionFalse, reason, err.Error(), metav1.NewTime(now))}
	return r.report(ctx, policy, e, status, now)
}

// prepareTarget looks the account and its Secret up in the cache.
func (r *reconciler) prepareTarget(ctx context.Context, policy *v1alpha1.ScalingPolicy, e *entry) error {
	config := policy.Spec.Target.HerokuFormation
	if config == nil || len(policy.Spec.Metrics) != 1 || policy.Spec.Metrics[0].Source.HTTPHeartbeat == nil {
		return errors.New("only HerokuFormation with one HTTPHeartbeat is supported")
	}
	account := &v1alpha1.CloudAccount{}
	if err := r.Get(ctx, client.ObjectKey{Namespace: policy.Namespace, Name: config.AccountRef.Name}, account); err != nil {
		return err
	}
	if account.Spec.Heroku == nil {
		return fmt.Errorf("CloudAccount %s is not of type Heroku", account.Name)
	}
	ref, secret := account.Spec.Heroku.APIKeySecretRef, &corev1.Secret{}
	if err := r.Get(ctx, client.ObjectKey{Namespace: policy.Namespace, Name: ref.Name}, secret); err != nil {
		return err
	}
	key, ok := secret.Data[ref.Key]
	if !ok {
		return fmt.Errorf("Secret %s has no key %s", ref.Name, ref.Key)
	}
	if t := e.target; t == nil || t.apiURL != account.Spec.Heroku.APIURL || t.key != string(key) {
		e.target = &formation{client: r.cloud, apiURL: account.Spec.Heroku.APIURL, key: string(key),
			app: config.App, process: config.ProcessType}
	}
	return nil
}
