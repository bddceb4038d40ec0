{{/*
Whether an API of Prometheus Operator is there. Takes context and kind. The group alone says that all kinds are there,
where no kind is listed: a cluster lists both, helm template with --api-versions perhaps the group only.
*/}}
{{- define "nexus-mcp.hasApi" -}}
{{- $api := .context.Values.monitoring.apiVersion }}
{{- $versions := .context.Capabilities.APIVersions }}
{{- $listed := false }}
{{- range $kind := list "ServiceMonitor" "PodMonitor" "PrometheusRule" }}
{{- if $versions.Has (printf "%s/%s" $api $kind) }}{{ $listed = true }}{{ end }}
{{- end }}
{{- if ternary ($versions.Has (printf "%s/%s" $api .kind)) ($versions.Has $api) $listed }}true{{ end }}
{{- end }}

{{- define "nexus-mcp.exposesMetrics" -}}
{{- $metrics := (include "nexus-mcp.settings" . | fromYaml).metrics }}
{{- if and $metrics.enabled $metrics.endpoint }}true{{ end }}
{{- end }}

{{/* Whether to render an object of Prometheus Operator. Takes context, enabled and kind. */}}
{{- define "nexus-mcp.wants" -}}
{{- if kindIs "bool" .enabled }}
{{- if .enabled }}true{{ end }}
{{- else if and (include "nexus-mcp.exposesMetrics" .context) (include "nexus-mcp.hasApi" .) }}true
{{- end }}
{{- end }}

{{- define "nexus-mcp.wantsMonitor" -}}
{{- include "nexus-mcp.wants" (dict "context" . "enabled" .Values.monitoring.monitor.enabled "kind" .Values.monitoring.monitor.kind) }}
{{- end }}

{{- define "nexus-mcp.wantsRules" -}}
{{- include "nexus-mcp.wants" (dict "context" . "enabled" .Values.monitoring.rules.enabled "kind" "PrometheusRule") }}
{{- end }}

{{- define "nexus-mcp.wantsDashboards" -}}
{{- $dashboards := .Values.monitoring.dashboards }}
{{- include "nexus-mcp.wants" (dict "context" . "enabled" $dashboards.enabled "kind" "PrometheusRule") }}
{{- end }}

{{- define "nexus-mcp.wantsScrapeAnnotations" -}}
{{- $wanted := .Values.monitoring.scrapeAnnotations }}
{{- if kindIs "bool" $wanted }}
{{- if $wanted }}true{{ end }}
{{- else if and (include "nexus-mcp.exposesMetrics" .) (not (include "nexus-mcp.wantsMonitor" .)) }}true
{{- end }}
{{- end }}

{{- define "nexus-mcp.mostUpstreams" -}}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- add (len $settings.upstreams) (ternary (int64 $settings.discovery.maxUpstreams) 0 $settings.discovery.enabled) }}
{{- end }}

{{/*
What a scrape can have of samples if there is but one tool of our own, and as many upstreams, with as many tools, as may be: how many
there are the chart does not know.
*/}}
{{- define "nexus-mcp.leastSamples" -}}
{{- $samples := .Files.Get "files/samples.yaml" | fromYaml }}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $metrics := $settings.metrics }}
{{- $upstreams := include "nexus-mcp.mostUpstreams" . | int64 }}
{{- $further := ternary (int64 $settings.limits.upstreamTools) 0 (gt $upstreams 0) }}
{{- $operations := add (int64 $samples.operations) (mul $further (int64 $samples.eachTool.operations)) }}
{{- range $attribute := $metrics.operationAttributes | uniq }}
{{- $operations = mul $operations (int64 (get $samples.factors $attribute)) }}
{{- end }}
{{- $buckets := .Files.Get "files/buckets.yaml" | fromYaml }}
{{- $durations := include "nexus-mcp.durationBuckets" . | fromJsonArray }}
{{- $sizes := include "nexus-mcp.furtherBuckets" (dict "buckets" $buckets.resultSizes "most" $settings.limits.resultBytes) | fromJsonArray }}
{{- $ofEach := add (sub (len $durations) (len $buckets.durations.always)) (len $sizes) }}
{{- if $metrics.openTelemetryNames }}{{ $operations = add $operations (mul $upstreams (int64 $samples.eachUpstream.operations)) }}{{ end }}
{{- $others := add (int64 $samples.others) (ternary (int64 $samples.anyUpstream) 0 (gt $upstreams 0)) (mul $upstreams (int64 $samples.eachUpstream.others)) (mul (len $settings.auth.issuers) (int64 $samples.eachIssuer)) (mul $further (int64 $samples.eachTool.others)) (mul (add 1 $further) $ofEach) }}
{{- if $metrics.openTelemetryNames }}{{ add $others $operations }}{{ else }}{{ $others }}{{ end }}
{{- end }}

{{/* The folder with the runbooks, for the links in alerts and dashboards. */}}
{{- define "nexus-mcp.runbookUrl" -}}
{{- default (printf "%s/blob/v%s/alerts/runbooks" .Chart.Home .Chart.AppVersion) .Values.monitoring.rules.runbookUrl | trimSuffix "/" }}
{{- end }}

{{- define "nexus-mcp.monitoringNamespace" -}}
{{- default .Release.Namespace .Values.monitoring.namespace }}
{{- end }}
