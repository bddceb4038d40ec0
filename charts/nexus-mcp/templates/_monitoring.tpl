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

{{/* The endpoint of a ServiceMonitor or PodMonitor. */}}
{{- define "nexus-mcp.endpoint" -}}
{{- $monitor := .Values.monitoring.monitor -}}
port: metrics
path: /metrics
scheme: {{ $monitor.scheme }}
{{- with $monitor.interval }}
interval: {{ . }}
{{- end }}
{{- with $monitor.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
honorLabels: {{ $monitor.honorLabels }}
honorTimestamps: {{ $monitor.honorTimestamps }}
{{- if not (kindIs "invalid" $monitor.followRedirects) }}
followRedirects: {{ $monitor.followRedirects }}
{{- end }}
{{- if not (kindIs "invalid" $monitor.enableHttp2) }}
enableHttp2: {{ $monitor.enableHttp2 }}
{{- end }}
{{- with $monitor.proxyUrl }}
proxyUrl: {{ . | quote }}
{{- end }}
{{- with $monitor.params }}
params:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.authorization }}
authorization:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.oauth2 }}
oauth2:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if or (not $monitor.jobLabel) $monitor.relabelings }}
relabelings:
  {{- if not $monitor.jobLabel }}
  - action: replace
    targetLabel: job
    replacement: {{ include "nexus-mcp.fullname" . | quote }}
  {{- end }}
  {{- with $monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
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
{{- $others := add (int64 $samples.others) (ternary (int64 $samples.anyUpstream) 0 (gt $upstreams 0)) (mul $upstreams (int64 $samples.eachUpstream.others)) (mul $further (int64 $samples.eachTool.others)) (mul (add 1 $further) $ofEach) }}
{{- if $metrics.openTelemetryNames }}{{ add $others $operations }}{{ else }}{{ $others }}{{ end }}
{{- end }}

{{/* What a ServiceMonitor and a PodMonitor say besides what they select. */}}
{{- define "nexus-mcp.monitorSpec" -}}
{{- $monitor := .Values.monitoring.monitor }}
{{- with $monitor.jobLabel }}
jobLabel: {{ . | quote }}
{{- end }}
{{- with $monitor.podTargetLabels }}
podTargetLabels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $monitor.attachNodeMetadata }}
attachMetadata:
  node: true
{{- end }}
{{- with int64 $monitor.sampleLimit }}
sampleLimit: {{ . }}
{{- end }}
{{- with int64 $monitor.targetLimit }}
targetLimit: {{ . }}
{{- end }}
{{- with int64 $monitor.labelLimit }}
labelLimit: {{ . }}
{{- end }}
{{- with int64 $monitor.labelNameLengthLimit }}
labelNameLengthLimit: {{ . }}
{{- end }}
{{- with int64 $monitor.labelValueLengthLimit }}
labelValueLengthLimit: {{ . }}
{{- end }}
{{- with int64 $monitor.keepDroppedTargets }}
keepDroppedTargets: {{ . }}
{{- end }}
{{- with int64 $monitor.nativeHistogramBucketLimit }}
nativeHistogramBucketLimit: {{ . }}
{{- end }}
{{- with $monitor.scrapeClass }}
scrapeClass: {{ . | quote }}
{{- end }}
{{- with $monitor.scrapeProtocols }}
scrapeProtocols:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.fallbackScrapeProtocol }}
fallbackScrapeProtocol: {{ . }}
{{- end }}
{{- if not (kindIs "invalid" $monitor.scrapeNativeHistograms) }}
scrapeNativeHistograms: {{ $monitor.scrapeNativeHistograms }}
{{- end }}
{{- if not (kindIs "invalid" $monitor.scrapeClassicHistograms) }}
scrapeClassicHistograms: {{ $monitor.scrapeClassicHistograms }}
{{- end }}
{{- if not (kindIs "invalid" $monitor.convertClassicHistogramsToNHCB) }}
convertClassicHistogramsToNHCB: {{ $monitor.convertClassicHistogramsToNHCB }}
{{- end }}
{{- end }}

{{- define "nexus-mcp.monitoringNamespace" -}}
{{- default .Release.Namespace .Values.monitoring.namespace }}
{{- end }}
