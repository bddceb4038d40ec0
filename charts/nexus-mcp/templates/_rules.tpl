{{/* PromQL matchers of the release's targets. */}}
{{- define "nexus-mcp.targets" -}}
{{- default (printf "job=%q, namespace=%q" (include "nexus-mcp.fullname" .) .Release.Namespace) .Values.monitoring.rules.selector }}
{{- end }}

{{/*
Whether Prometheus must always find a target: there are always pods, the chart says how they are found, and which labels
they have then.
*/}}
{{- define "nexus-mcp.mustExist" -}}
{{- $pods := int .Values.replicas }}
{{- if .Values.autoscaling.enabled }}{{ $pods = int .Values.autoscaling.minReplicas }}{{ end }}
{{- if .Values.keda.enabled }}{{ $pods = int .Values.keda.minReplicas }}{{ end }}
{{- $rules := .Values.monitoring.rules }}
{{- if and $rules.mustExist $pods (include "nexus-mcp.wantsMonitor" .) (not $rules.selector) }}true{{ end }}
{{- end }}

{{/* By which labels first commands of alerts find pods: those of the release, unless the rules are about others as well. */}}
{{- define "nexus-mcp.alertedPods" -}}
{{- if not .Values.monitoring.rules.selector }}app.kubernetes.io/instance={{ .Release.Name }},{{ end -}}
app.kubernetes.io/name={{ include "nexus-mcp.name" . }}
{{- end }}

{{/* The generated file with values in place of its marks, such as @minimumCalls@. */}}
{{- define "nexus-mcp.ruleFile" -}}
{{- $rules := .Values.monitoring.rules }}
{{- $ofService := list "job=%q" "namespace=%q" "cluster=%q" }}
{{- $serviceLabels := list "$labels.job" "$labels.namespace" "$labels.cluster" }}
{{- range $rules.additionalAggregationLabels }}
{{- $ofService = append $ofService (printf "%s=%%q" .) }}
{{- $serviceLabels = append $serviceLabels (printf "$labels.%s" .) }}
{{- end }}
{{- $marks := dict
  "podLabels" (include "nexus-mcp.alertedPods" .)
  "service" (concat (list "cluster" "namespace" "job") $rules.additionalAggregationLabels | join ", ")
  "ofService" (join ", " $ofService)
  "serviceLabels" (join " " $serviceLabels)
  "selector" (include "nexus-mcp.targets" .)
  "badReasons" (join "|" $rules.badReasons)
  "availabilityObjective" $rules.availabilityObjective
  "latencyObjective" $rules.latencyObjective
  "latencySeconds" $rules.latencySeconds
  "latencyBucket" (printf "%v" $rules.latencySeconds | replace "." "[.]")
  "minimumBadCalls" $rules.minimumBadCalls
  "minimumBadCallsToPage" $rules.minimumBadCallsToPage
  "minimumCalls" $rules.minimumCalls
  "sampleLimit" (int64 .Values.monitoring.monitor.sampleLimit | default "Inf")
  "runbookUrl" (include "nexus-mcp.runbookUrl" .)
  "grafanaUrl" (trimSuffix "/" .Values.monitoring.dashboards.grafanaUrl)
  "dashboardSuffix" (include "nexus-mcp.dashboardSuffix" .) }}
{{- $text := .Files.Get "files/nexus-mcp.rules.yaml" }}
{{- range $mark, $value := $marks }}
{{- $text = replace (printf "@%s@" $mark) (printf "%v" $value | trim | replace "\n" " ") $text }}
{{- end }}
{{- $text }}
{{- end }}

{{/* The rule groups: those of the file that are wanted, with the thresholds of alerts and of single tools. */}}
{{- define "nexus-mcp.ruleGroups" -}}
{{- $rules := .Values.monitoring.rules }}
{{- $groups := list }}
{{- range $group := (include "nexus-mcp.ruleFile" . | fromYaml).groups }}
{{- $kept := list }}
{{- range $rule := $group.rules }}
{{- $alert := get (default dict $.Values.alerts) (default "" $rule.alert) }}
{{- if hasKey $rule "setting" }}
{{- range $tool, $own := ternary $.Values.alerts.tools dict $rules.alertingRules }}
{{- if hasKey $own $rule.setting }}
{{- $expr := replace "@threshold@" (get $own $rule.setting | toString) $rule.expr }}
{{- $kept = append $kept (dict "record" $rule.record "expr" $expr "labels" (dict "tool_name" $tool)) }}
{{- end }}
{{- end }}
{{- else if hasKey $rule "record" }}
{{- if $rules.recordingRules }}{{ $kept = append $kept $rule }}{{ end }}
{{- else if and $rules.alertingRules (kindIs "map" $alert) (ne (get $alert "enabled" | toString) "false") }}
{{- $expr := $rule.expr }}
{{- $annotations := $rule.annotations }}
{{- if and (hasKey $rule "mustExist") (include "nexus-mcp.mustExist" $) }}{{ $expr = $rule.mustExist }}{{ end }}
{{- if contains "@threshold@" $expr }}
{{- $threshold := required (printf "alerts.%s.threshold: must be a number" $rule.alert) $alert.threshold }}
{{- $expr = replace "@threshold@" (toString $threshold) $expr }}
{{- $_ := set $annotations "description" (replace "@threshold@" (toString $threshold) $annotations.description) }}
{{- end }}
{{- if not $.Values.monitoring.dashboards.grafanaUrl }}{{ $annotations = omit $annotations "dashboard_url" }}{{ end }}
{{- $result := dict
  "alert" $rule.alert
  "expr" $expr
  "labels" (mergeOverwrite (dict "severity" (default $rule.labels.severity $alert.severity)) (deepCopy $rules.labels) (deepCopy (default dict $alert.labels)))
  "annotations" (mergeOverwrite $annotations (deepCopy (default dict $alert.annotations))) }}
{{- range $key, $own := dict "for" (get $alert "for") "keep_firing_for" $alert.keepFiringFor }}
{{- $duration := default (get $rule $key) $own }}
{{- if and $duration (ne (include "nexus-mcp.milliseconds" $duration) "0") }}{{ $_ := set $result $key $duration }}{{ end }}
{{- end }}
{{- $kept = append $kept $result }}
{{- end }}
{{- end }}
{{- if $kept }}
{{- $groups = append $groups (dict "name" $group.name "interval" $group.interval "rules" $kept) }}
{{- end }}
{{- end }}
{{- with concat $groups $rules.extraGroups }}{{ toYaml . }}{{ end }}
{{- end }}
