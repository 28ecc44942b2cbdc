{{- /* What several templates share. Every name starts with "ottoscale.". */ -}}

{{- define "ottoscale.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "ottoscale.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "ottoscale.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ottoscale.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Cluster-wide objects carry the namespace too, so that two releases of one name do not share them. */ -}}
{{- define "ottoscale.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "ottoscale.fullname" .) -}}
{{- end -}}

{{- define "ottoscale.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ottoscale.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ottoscale.labels" -}}
{{- $ours := dict
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/component" "operator"
      "app.kubernetes.io/part-of" "ottoscale"
      "app.kubernetes.io/managed-by" .Release.Service -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.commonLabels) $ours (include "ottoscale.selectorLabels" . | fromYaml)) -}}
{{- end -}}

{{- /* The annotations of one object: (list $ OBJECT'S OWN); nothing at all when there is none. */ -}}
{{- define "ottoscale.annotations" -}}
{{- $root := index . 0 -}}
{{- with mergeOverwrite (deepCopy $root.Values.commonAnnotations) (index . 1 | default dict) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "ottoscale.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "ottoscale.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name must be set when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "ottoscale.image" -}}
{{- $image := .Values.image -}}
{{- $name := ternary (printf "%s/%s" $image.registry $image.repository) $image.repository (ne $image.registry "") -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* The namespaces that are watched, joined by commas; "" for all of them. */ -}}
{{- define "ottoscale.watched" -}}
{{- if not .Values.watch.allNamespaces -}}
{{- .Values.watch.namespaces | default (list .Release.Namespace) | uniq | sortAlpha | join "," -}}
{{- end -}}
{{- end -}}

{{- define "ottoscale.leaseNamespace" -}}
{{- .Values.leaderElection.namespace | default .Release.Namespace -}}
{{- end -}}

{{- /* What the operator itself needs in the namespaces that it watches. This is the exact list: a test holds it against the
requests of the program. */ -}}
{{- define "ottoscale.watchRules" -}}
- apiGroups: [ottoscale.dev]
  resources: [scalingpolicies, cloudaccounts]
  verbs: [list, watch]
- apiGroups: [ottoscale.dev]
  resources: [scalingpolicies/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
  {{- with .Values.rbac.secretNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{- /* Values that do not fit together: refused here, with what to change. Called once, by the Deployment. */ -}}
{{- define "ottoscale.check" -}}
{{- $v := .Values -}}
{{- if and $v.watch.allNamespaces $v.watch.namespaces -}}
{{- fail "watch.namespaces and watch.allNamespaces are both set: empty the list, or set watch.allNamespaces to false" -}}
{{- end -}}
{{- if and (gt (int $v.replicaCount) 1) (not $v.leaderElection.enabled) -}}
{{- fail "replicaCount is above 1 and leaderElection.enabled is false: two replicas would write at once" -}}
{{- end -}}
{{- if ge (int $v.leaderElection.renewDeadlineSeconds) (int $v.leaderElection.leaseDurationSeconds) -}}
{{- fail "leaderElection.renewDeadlineSeconds must be less than leaderElection.leaseDurationSeconds" -}}
{{- end -}}
{{- if ge (int $v.leaderElection.retryPeriodSeconds) (int $v.leaderElection.renewDeadlineSeconds) -}}
{{- fail "leaderElection.retryPeriodSeconds must be less than leaderElection.renewDeadlineSeconds" -}}
{{- end -}}
{{- if lt (int $v.leaderElection.renewDeadlineSeconds) (add (int $v.leaderElection.retryPeriodSeconds) 4 | int) -}}
{{- fail "leaderElection.renewDeadlineSeconds must be at least 4 more than leaderElection.retryPeriodSeconds: writes need that time" -}}
{{- end -}}
{{- $pdb := $v.podDisruptionBudget -}}
{{- if and $pdb.enabled (not (kindIs "invalid" $pdb.minAvailable)) (not (kindIs "invalid" $pdb.maxUnavailable)) -}}
{{- fail "podDisruptionBudget.minAvailable and podDisruptionBudget.maxUnavailable are both set: set one of them to null" -}}
{{- end -}}
{{- if and $v.caBundle.configMap $v.caBundle.secret -}}
{{- fail "caBundle.configMap and caBundle.secret are both set: set one of them" -}}
{{- end -}}
{{- end -}}


{{- /* The user's affinity, or else replicas that keep away from each other. */ -}}
{{- define "ottoscale.affinity" -}}
{{- if .Values.affinity -}}
affinity: {{- toYaml .Values.affinity | nindent 2 }}
{{- else if ne .Values.podAntiAffinity "None" -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname"
      "labelSelector" (dict "matchLabels" (include "ottoscale.selectorLabels" . | fromYaml)) -}}
affinity:
  podAntiAffinity:
    {{- if eq .Values.podAntiAffinity "Required" }}
    requiredDuringSchedulingIgnoredDuringExecution: {{- list $term | toYaml | nindent 4 }}
    {{- else }}
    preferredDuringSchedulingIgnoredDuringExecution: {{- list (dict "weight" 100 "podAffinityTerm" $term) | toYaml | nindent 4 }}
    {{- end }}
{{- end -}}
{{- end -}}
