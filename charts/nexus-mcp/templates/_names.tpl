{{- define "nexus-mcp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough for what is appended to it. */}}
{{- define "nexus-mcp.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains (include "nexus-mcp.name" .) .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "nexus-mcp.name" .) | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The name of an object in a namespace: elsewhere, releases of several namespaces may have objects. Takes context, name and namespace. */}}
{{- define "nexus-mcp.nameIn" -}}
{{- $own := .context.Release.Namespace }}
{{- ternary .name (printf "%s-%s" $own .name) (eq .namespace $own) }}
{{- end }}

{{/* The name of monitor and rules. */}}
{{- define "nexus-mcp.monitoringName" -}}
{{- include "nexus-mcp.nameIn" (dict "context" . "name" (include "nexus-mcp.fullname" .) "namespace" (include "nexus-mcp.monitoringNamespace" .)) }}
{{- end }}

{{/*
The names of ConfigMaps change with their content: pods that run, and those of a former revision, keep the ConfigMap that they were
started with.
*/}}
{{- define "nexus-mcp.configName" -}}
{{- printf "%s-%s" (include "nexus-mcp.fullname" .) (include "nexus-mcp.configFile" . | sha256sum | trunc 10) }}
{{- end }}

{{- define "nexus-mcp.modulesName" -}}
{{- printf "%s-modules-%s" (include "nexus-mcp.fullname" .) (toJson .Values.toolModules.files | sha256sum | trunc 10) }}
{{- end }}

{{- define "nexus-mcp.metricsService" -}}
{{- include "nexus-mcp.fullname" . }}-metrics
{{- end }}

{{- define "nexus-mcp.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "nexus-mcp.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "nexus-mcp.image" -}}
{{- $image := .Values.image }}
{{- with default $image.registry (dig "imageRegistry" "" (default dict .Values.global)) }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{/* The Secrets to pull with: the chart's own, and those of a parent chart, which are names or objects. */}}
{{- define "nexus-mcp.pullSecrets" -}}
{{- $secrets := .Values.image.pullSecrets }}
{{- range $secret := dig "imagePullSecrets" list (default dict .Values.global) }}
{{- $secrets = append $secrets (ternary (dict "name" $secret) $secret (kindIs "string" $secret)) }}
{{- end }}
{{- with uniq $secrets }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* The labels that select the server's pods, and nothing else of the release. */}}
{{- define "nexus-mcp.selectorLabels" -}}
app.kubernetes.io/name: {{ include "nexus-mcp.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: server
{{- end }}

{{/* The labels of pods that probe. Another name keeps them out of kubectl logs -l app.kubernetes.io/name=nexus-mcp. */}}
{{- define "nexus-mcp.probeLabels" -}}
app.kubernetes.io/name: {{ printf "%s-probe" (include "nexus-mcp.name" . | trunc 57) | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: probe
{{- end }}

{{/* Theirs and the operator's, which do not hide them from the network policy. */}}
{{- define "nexus-mcp.probePodLabels" -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.probe.podLabels) (include "nexus-mcp.probeLabels" . | fromYaml)) }}
{{- end }}

{{- define "nexus-mcp.version" -}}
{{- default .Chart.AppVersion .Values.image.tag | replace "+" "_" | trunc 63 | trimSuffix "-" | trimSuffix "." }}
{{- end }}

{{- define "nexus-mcp.sharedLabels" -}}
app.kubernetes.io/version: {{ include "nexus-mcp.version" . | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/part-of: nexus-mcp
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | quote }}
{{- end }}

{{/*
The metadata of an object.
Takes context, name, and if wanted namespace, labels, annotations, clusterScoped, and own:
the labels in place of the server's.
*/}}
{{- define "nexus-mcp.metadata" -}}
{{- $root := .context }}
{{- $own := default (include "nexus-mcp.selectorLabels" $root) .own | fromYaml }}
{{- $labels := mergeOverwrite (deepCopy $root.Values.commonLabels) $own (include "nexus-mcp.sharedLabels" $root | fromYaml) (default dict .labels) }}
{{- $annotations := mergeOverwrite (deepCopy $root.Values.commonAnnotations) (default dict .annotations) -}}
name: {{ .name | quote }}
{{- if not .clusterScoped }}
namespace: {{ default $root.Release.Namespace .namespace | quote }}
{{- end }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
