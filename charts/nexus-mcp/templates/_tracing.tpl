{{/* The port of the collector; empty without one. */}}
{{- define "nexus-mcp.collectorPort" -}}
{{- with dig "tracing" "endpoint" "" .Values.config }}
{{- $url := urlParse . }}
{{- default (ternary "443" "80" (eq $url.scheme "https")) (regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host)) }}
{{- end }}
{{- end }}

{{/* Variables of the OpenTelemetry SDK, where there is a collector. */}}
{{- define "nexus-mcp.tracingEnv" -}}
{{- if dig "tracing" "endpoint" "" .Values.config }}
{{- $tracing := .Values.tracing }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: OTEL_RESOURCE_ATTRIBUTES
  {{- $attributes := dict "service.name" (include "nexus-mcp.fullname" .) "service.namespace" .Release.Namespace "k8s.namespace.name" .Release.Namespace "k8s.deployment.name" (include "nexus-mcp.fullname" .) }}
  {{- $pairs := list "k8s.pod.name=$(POD_NAME)" }}
  {{- range $name, $value := mergeOverwrite $attributes (deepCopy $tracing.resourceAttributes) }}
  {{- /* Commas and the like are percent-encoded (OpenTelemetry, "Specifying resource information via an environment variable"); + is urlquery's blank. */}}
  {{- $pairs = append $pairs (printf "%s=%s" $name (urlquery $value | replace "+" "%20")) }}
  {{- end }}
  value: {{ join "," $pairs | quote }}
- name: OTEL_TRACES_SAMPLER
  value: {{ $tracing.sampler }}
{{- if hasSuffix "traceidratio" $tracing.sampler }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ $tracing.ratio | toString | quote }}
{{- end }}
{{- with $tracing.headersSecret.name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: { name: {{ . | quote }}, key: {{ $tracing.headersSecret.key | quote }} }
{{- end }}
{{- end }}
{{- end }}
