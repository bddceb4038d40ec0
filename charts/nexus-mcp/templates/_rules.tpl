{{/* A text of the rules with values in place of its marks. Takes text, marks by name, and budgets. */}}
{{- define "nexus-mcp.fill" -}}
{{- $text := .text }}
{{- range $mark, $value := .marks }}
{{- $text = replace (printf "@%s@" $mark) (printf "%v" $value) $text }}
{{- end }}
{{- range $mark := regexFindAll "@[a-z]+\\.budget(\\*[0-9.]+)?@" $text -1 }}
{{- $factor := regexFind "[0-9.]+@" $mark | trimSuffix "@" | default "1" }}
{{- $budget := get $.budgets (regexFind "[a-z]+" $mark) }}
{{- $text = replace $mark (printf "%v" (mulf $budget (float64 $factor))) $text }}
{{- end }}
{{- $text }}
{{- end }}

{{/* The condition of an alert, with the thresholds that single tools have of their own. Takes rule and tools. */}}
{{- define "nexus-mcp.conditionByTool" -}}
{{- $setting := .rule.tools.setting }}
{{- $limits := dict }}
{{- range $tool, $amounts := .tools }}
{{- if hasKey $amounts $setting }}{{ $_ := set $limits $tool (get $amounts $setting) }}{{ end }}
{{- end }}
{{- if not $limits }}
{{- .rule.expr }}
{{- else }}
{{- $names := keys $limits | sortAlpha }}
{{- $others := printf "!=%q" (first $names) }}
{{- if gt (len $names) 1 }}{{ $others = printf "!~\"%s\"" (join "|" $names | replace "." `\\.`) }}{{ end }}
{{- $conditions := list (replace `!="@tool@"` $others .rule.tools.rest) }}
{{- range $tool := $names }}
{{- $conditions = append $conditions ($.rule.tools.own | replace "@tool@" $tool | replace "@limit@" (printf "%v" (get $limits $tool))) }}
{{- end }}
{{- join "\nor\n" $conditions }}
{{- end }}
{{- end }}

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

{{/* The rule groups of the generated file, with the values in them. */}}
{{- define "nexus-mcp.ruleGroups" -}}
{{- $rules := .Values.monitoring.rules }}
{{- $budgets := dict
  "availability" (divf (subf 100 $rules.availabilityObjective) 100)
  "latency" (divf (subf 100 $rules.latencyObjective) 100) }}
{{- $bound := $rules.latencySeconds }}
{{- $bucket := printf "le=\"%v\"" $bound }}
{{- if eq (float64 $bound) (floor $bound) }}{{ $bucket = printf "le=~\"%v%s\"" $bound `(\\.0)?` }}{{ end }}
{{- $reasons := printf "reason=\"%s\"" (first $rules.badReasons) }}
{{- if gt (len $rules.badReasons) 1 }}{{ $reasons = printf "reason=~\"%s\"" (join "|" $rules.badReasons) }}{{ end }}
{{- $shared := dict
  "name" (include "nexus-mcp.name" .)
  "service" (concat (list "cluster" "namespace" "job") $rules.additionalAggregationLabels | join ", ")
  "selector" (include "nexus-mcp.targets" .)
  "badReasons" $reasons
  "availability.objective" $rules.availabilityObjective
  "latency.objective" $rules.latencyObjective
  "latency.thresholdSeconds" $bound
  "latency.bucket" $bucket
  "minimumBadCalls" $rules.minimumBadCalls
  "minimumBadCallsToPage" $rules.minimumBadCallsToPage
  "minimumCalls" $rules.minimumCalls
  "sampleLimit" (int64 .Values.monitoring.monitor.sampleLimit | default "Inf")
  "runbookUrl" (default (printf "%s/blob/v%s/alerts/runbooks" .Chart.Home .Chart.AppVersion) $rules.runbookUrl | trimSuffix "/")
  "grafanaUrl" (trimSuffix "/" .Values.monitoring.dashboards.grafanaUrl) }}
{{- $groups := list }}
{{- range $group := (.Files.Get "files/nexus-mcp.rules.yaml" | fromYaml).groups }}
{{- $kept := list }}
{{- range $rule := $group.rules }}
{{- if hasKey $rule "record" }}
{{- if $rules.recordingRules }}
{{- $expr := include "nexus-mcp.fill" (dict "text" $rule.expr "marks" $shared "budgets" $budgets) }}
{{- $kept = append $kept (dict "record" $rule.record "expr" $expr) }}
{{- end }}
{{- else }}
{{- $given := get (default dict $.Values.alerts) $rule.alert }}
{{- $alert := default dict $given }}
{{- if and $rules.alertingRules (kindIs "map" $given) (ne (toString $alert.enabled) "false") }}
{{- $marks := deepCopy $shared }}
{{- if hasKey $rule "threshold" }}{{ $_ := set $marks $rule.threshold (required (printf "alerts.%s.threshold: must be a number" $rule.alert) $alert.threshold) }}{{ end }}
{{- $expr := $rule.expr }}
{{- if and (hasKey $rule "mustExist") (include "nexus-mcp.mustExist" $) }}{{ $expr = $rule.mustExist }}{{ end }}
{{- if hasKey $rule "tools" }}{{ $expr = include "nexus-mcp.conditionByTool" (dict "rule" $rule "tools" (default dict $.Values.alerts.tools)) }}{{ end }}
{{- $expr = include "nexus-mcp.fill" (dict "text" $expr "marks" $marks "budgets" $budgets) }}
{{- $annotations := dict }}
{{- range $key, $text := $rule.annotations }}
{{- if or (ne $key "dashboard_url") $.Values.monitoring.dashboards.grafanaUrl }}
{{- $filled := include "nexus-mcp.fill" (dict "text" $text "marks" $marks "budgets" $budgets) }}
{{- $_ := set $annotations $key $filled }}
{{- end }}
{{- end }}
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
{{- end }}
{{- if $kept }}
{{- $groups = append $groups (dict "name" $group.name "interval" $group.interval "rules" $kept) }}
{{- end }}
{{- end }}
{{- with concat $groups $rules.extraGroups }}{{ toYaml . }}{{ end }}
{{- end }}
