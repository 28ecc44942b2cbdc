// Package v1alpha1 has the parts of ottoscale.dev/v1alpha1 that this controller reads and writes.
//
// +kubebuilder:object:generate=true
// +groupName=ottoscale.dev
package v1alpha1

import (
	"bytes"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	GroupVersion  = schema.GroupVersion{Group: "ottoscale.dev", Version: "v1alpha1"}
	SchemeBuilder = runtime.NewSchemeBuilder(func(scheme *runtime.Scheme) error {
		scheme.AddKnownTypes(GroupVersion, &ScalingPolicy{}, &ScalingPolicyList{}, &CloudAccount{}, &CloudAccountList{})
		metav1.AddToGroupVersion(scheme, GroupVersion)
		return nil
	})
)

// Decimal is written as a number or, with a fraction, as a string: 200 or "37.5".
type Decimal float64

func (d *Decimal) UnmarshalJSON(text []byte) error {
	value, err := strconv.ParseFloat(string(bytes.Trim(text, `"`)), 64)
	*d = Decimal(value)
	return err
}

type NameRef struct {
	Name string `json:"name"`
}

type SecretKeyRef struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

type CloudAccount struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              CloudAccountSpec `json:"spec,omitempty"`
}

type CloudAccountSpec struct {
	Type   string         `json:"type"`
	Heroku *HerokuAccount `json:"heroku,omitempty"`
}

type HerokuAccount struct {
	APIKeySecretRef SecretKeyRef `json:"apiKeySecretRef"`
	APIURL          string       `json:"apiURL"`
}

type CloudAccountList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CloudAccount `json:"items"`
}

type ScalingPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ScalingPolicySpec   `json:"spec,omitempty"`
	Status            ScalingPolicyStatus `json:"status,omitempty"`
}

type ScalingPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScalingPolicy `json:"items"`
}

type ScalingPolicySpec struct {
	Mode              string   `json:"mode,omitempty"`
	PollPeriodSeconds int      `json:"pollPeriodSeconds,omitempty"`
	Target            Target   `json:"target"`
	MinCapacity       int      `json:"minCapacity"`
	MaxCapacity       int      `json:"maxCapacity"`
	Metrics           []Metric `json:"metrics"`
}

type Target struct {
	Type            string           `json:"type"`
	HerokuFormation *HerokuFormation `json:"herokuFormation,omitempty"`
}

type HerokuFormation struct {
	AccountRef  NameRef `json:"accountRef"`
	App         string  `json:"app"`
	ProcessType string  `json:"processType,omitempty"`
}

type Metric struct {
	Name       string   `json:"name"`
	Source     Source   `json:"source"`
	Directions string   `json:"directions,omitempty"`
	Strategy   Strategy `json:"strategy"`
}

type Source struct {
	Type          string         `json:"type"`
	HTTPHeartbeat *HTTPHeartbeat `json:"httpHeartbeat,omitempty"`
}

type HTTPHeartbeat struct {
	URL                 string   `json:"url"`
	TimeoutMilliseconds int      `json:"timeoutMilliseconds,omitempty"`
	ExpectedStatuses    []string `json:"expectedStatuses,omitempty"`
	BodyContains        string   `json:"bodyContains,omitempty"`
	OnTimeout           string   `json:"onTimeout,omitempty"`
	OnServerError       string   `json:"onServerError,omitempty"`
}

type Strategy struct {
	Type      string     `json:"type"`
	Threshold *Threshold `json:"threshold,omitempty"`
}

type Threshold struct {
	Lower              Decimal `json:"lower"`
	Upper              Decimal `json:"upper"`
	BreachesToScaleOut int     `json:"breachesToScaleOut,omitempty"`
	BreachesToScaleIn  int     `json:"breachesToScaleIn,omitempty"`
	StepOut            int     `json:"stepOut,omitempty"`
	StepIn             int     `json:"stepIn,omitempty"`
}

// ScalingPolicyStatus: capacities are pointers, since 0 dynos is something else than not known.
type ScalingPolicyStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Target             string             `json:"target,omitempty"`
	TargetUID          string             `json:"targetUID,omitempty"`
	CurrentCapacity    *int               `json:"currentCapacity,omitempty"`
	TargetCapacity     *int               `json:"targetCapacity,omitempty"`
	DesiredCapacity    *int               `json:"desiredCapacity,omitempty"`
	Metrics            []MetricStatus     `json:"metrics,omitempty"`
	MetricSummary      string             `json:"metricSummary,omitempty"`
	Decision           *DecisionStatus    `json:"decision,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type MetricStatus struct {
	Name           string       `json:"name"`
	State          string       `json:"state"`
	Value          *float64     `json:"value,omitempty"`
	Unit           string       `json:"unit,omitempty"`
	Censored       bool         `json:"censored,omitempty"`
	SampledAt      *metav1.Time `json:"sampledAt,omitempty"`
	Breaches       int          `json:"breaches"`
	BreachesNeeded int          `json:"breachesNeeded"`
}

type DecisionStatus struct {
	Action string      `json:"action"`
	From   int         `json:"from"`
	To     int         `json:"to"`
	Reason string      `json:"reason"`
	Time   metav1.Time `json:"time"`
}
