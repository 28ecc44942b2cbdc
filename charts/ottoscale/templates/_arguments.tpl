{{- /* The command line of the operator, one argument a line. Every flag has its value in values.yaml; what is at the
program's own default is left out only where "not set" has a meaning of its own. */ -}}
{{- define "ottoscale.arguments" -}}
{{- $v := .Values -}}
{{- $limits := $v.limits -}}
- operator
- "--leader-elect={{ $v.leaderElection.enabled }}"
{{- if $v.leaderElection.enabled }}
- "--leader-election-namespace={{ include "ottoscale.leaseNamespace" . }}"
- "--leader-election-name={{ $v.leaderElection.name }}"
- "--lease-duration={{ int $v.leaderElection.leaseDurationSeconds }}s"
- "--renew-deadline={{ int $v.leaderElection.renewDeadlineSeconds }}s"
- "--retry-period={{ int $v.leaderElection.retryPeriodSeconds }}s"
{{- end }}
{{- with include "ottoscale.watched" . }}
- "--watch-namespaces={{ . }}"
{{- end }}
{{- if $v.freeze }}
- --freeze
{{- end }}
{{- if not (kindIs "invalid" $limits.maxCapacity) }}
- "--max-capacity={{ int $limits.maxCapacity }}"
{{- end }}
{{- if not (kindIs "invalid" $limits.maxStep) }}
- "--max-step={{ int $limits.maxStep }}"
{{- end }}
{{- if not (kindIs "invalid" $limits.maxPoliciesPerNamespace) }}
- "--max-policies-per-namespace={{ int $limits.maxPoliciesPerNamespace }}"
{{- end }}
{{- range $limits.allowedClouds }}
- "--allow-cloud={{ . }}"
{{- end }}
{{- range $limits.allowedEndpoints }}
- "--allow-endpoint={{ . }}"
{{- end }}
{{- range $limits.allowedProbeHosts }}
- "--allow-probe-host={{ . }}"
{{- end }}
{{- range $limits.allowedProbeCIDRs }}
- "--probe-allow-cidr={{ . }}"
{{- end }}
{{- if or $v.caBundle.configMap $v.caBundle.secret }}
- "--ca-file=/etc/ottoscale/ca/{{ $v.caBundle.key }}"
{{- end }}
- "--listen={{ $v.metrics.listen }}"
- "--metrics-port={{ int $v.metrics.port }}"
- "--log-level={{ $v.logging.level }}"
- "--log-format={{ $v.logging.format }}"
- "--workers={{ int $v.workers }}"
- "--shutdown-timeout={{ int $v.shutdownTimeoutSeconds }}s"
{{- range $v.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}
