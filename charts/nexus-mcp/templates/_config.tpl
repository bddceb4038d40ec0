{{/* The settings in effect: the server's defaults, and config over them. */}}
{{- define "nexus-mcp.settings" -}}
{{- $defaults := .Files.Get "files/settings.yaml" | fromYaml }}
{{- toYaml (mergeOverwrite $defaults (deepCopy .Values.config)) }}
{{- end }}

{{/* The names that clients may call the server by. */}}
{{- define "nexus-mcp.hosts" -}}
{{- $name := include "nexus-mcp.fullname" . }}
{{- $inNamespace := printf "%s.%s" $name .Release.Namespace }}
{{- $service := list $name $inNamespace (printf "%s.svc" $inNamespace) (printf "%s.svc.%s" $inNamespace .Values.clusterDomain) }}
{{- $ingress := ternary .Values.ingress.hosts list .Values.ingress.enabled }}
{{- $route := ternary .Values.httpRoute.hostnames list .Values.httpRoute.enabled }}
{{- concat (dig "server" "allowedHosts" list .Values.config) $service $ingress $route | uniq | toJson }}
{{- end }}

{{/*
The shortest time that idle connections must stay open, in seconds: longer than the load balancer in front uses them again, or it sends
requests on connections that the server is closing, and answers them with 502.
*/}}
{{- define "nexus-mcp.leastKeepAlive" -}}
{{- $idle := 0 }}
{{- if and .Values.ingress.enabled (eq .Values.ingress.controller "nginx") }}{{ $idle = 60 }}{{ end }}
{{- if and .Values.ingress.enabled (eq .Values.ingress.controller "alb") }}
{{- $attributes := get .Values.ingress.annotations "alb.ingress.kubernetes.io/load-balancer-attributes" }}
{{- $found := regexFind "idle_timeout\\.timeout_seconds=[0-9]+" (default "" $attributes) }}
{{- $idle = int (trimPrefix "idle_timeout.timeout_seconds=" (default "3600" $found)) }}
{{- if and $attributes (not $found) }}{{ $idle = 60 }}{{ end }}
{{- end }}
{{- ternary (add $idle 5) 0 (gt $idle 0) }}
{{- end }}

{{/* The server's configuration file. */}}
{{- define "nexus-mcp.configFile" -}}
{{- $config := deepCopy .Values.config }}
{{- $server := dict "allowedHosts" (include "nexus-mcp.hosts" . | fromJsonArray) }}
{{- if lt (float64 (include "nexus-mcp.settings" . | fromYaml).server.keepAliveTimeoutSeconds) (float64 (include "nexus-mcp.leastKeepAlive" .)) }}
{{- $_ := set $server "keepAliveTimeoutSeconds" (int (include "nexus-mcp.leastKeepAlive" .)) }}
{{- end }}
{{- $extra := dict "server" $server }}
{{- if .Values.auth.tokensSecret.name }}
{{- $_ := set $extra "auth" (dict "tokensFile" "/etc/nexus-mcp/auth/tokens.yaml") }}
{{- end }}
{{- $sessions := dict }}
{{- if .Values.stateKeySecret.name }}{{ $_ := set $sessions "stateKeyFile" "/etc/nexus-mcp/state/state-key" }}{{ end }}
{{- with include "nexus-mcp.peers" . | fromJsonArray }}{{ $_ := set $sessions "peers" . }}{{ end }}
{{- with $sessions }}{{ $_ := set $extra "sessions" . }}{{ end }}
{{- with include "nexus-mcp.modules" . | fromJsonArray }}
{{- $_ := set $extra "tools" (dict "modules" (concat (dig "tools" "modules" list $config) .)) }}
{{- end }}
{{- toYaml (mergeOverwrite $config $extra) }}
{{- end }}

{{/* The paths of the tool modules that are mounted. */}}
{{- define "nexus-mcp.modules" -}}
{{- $paths := list }}
{{- range $file := keys .Values.toolModules.files | sortAlpha }}
{{- if regexMatch "^[^_].*\\.m?[jt]s$" $file }}{{ $paths = append $paths (printf "/etc/nexus-mcp/tools/%s" $file) }}{{ end }}
{{- end }}
{{- range $map := .Values.toolModules.configMaps }}
{{- range $file := $map.files }}
{{- $paths = append $paths (printf "/etc/nexus-mcp/tools-%s/%s" $map.name $file) }}
{{- end }}
{{- end }}
{{- toJson $paths }}
{{- end }}

{{/* The longest deadline that settings give a call, in seconds. */}}
{{- define "nexus-mcp.longestDeadline" -}}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $longest := $settings.limits.toolTimeoutSeconds }}
{{- range $some := concat (values $settings.tools.settings) $settings.upstreams (ternary (list $settings.discovery) list $settings.discovery.enabled) }}
{{- $longest = maxf $longest (default 0 $some.timeoutSeconds) }}
{{- end }}
{{- $longest }}
{{- end }}

{{/* The longest that a call may take, in seconds, those included whose tools state a deadline of their own. */}}
{{- define "nexus-mcp.longestTool" -}}
{{- $network := (include "nexus-mcp.settings" . | fromYaml).network }}
{{- maxf (include "nexus-mcp.longestDeadline" . | float64) (addf 1 $network.fetchTimeoutSeconds) (addf 1 $network.dnsTimeoutSeconds) }}
{{- end }}

{{/* The buckets of a histogram beyond those that are always there: the steps below the most there can be, then that. Takes buckets and most. */}}
{{- define "nexus-mcp.furtherBuckets" -}}
{{- $further := list }}
{{- if gt (float64 .most) (float64 (last .buckets.always)) }}
{{- range $step := .buckets.steps }}
{{- if lt (float64 $step) (float64 $.most) }}{{ $further = append $further $step }}{{ end }}
{{- end }}
{{- $further = append $further .most }}
{{- end }}
{{- toJson $further }}
{{- end }}

{{/*
The buckets of mcp_tool_duration_seconds, as far as values tell: the server has these and perhaps more, where the code of a tool
states a deadline that is longer than those in config.
*/}}
{{- define "nexus-mcp.durationBuckets" -}}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $buckets := (.Files.Get "files/buckets.yaml" | fromYaml).durations }}
{{- $further := $settings.metrics.durationBuckets }}
{{- if kindIs "invalid" $further }}
{{- $further = include "nexus-mcp.furtherBuckets" (dict "buckets" $buckets "most" (include "nexus-mcp.longestDeadline" . | float64)) | fromJsonArray }}
{{- end }}
{{- toJson (concat $buckets.always $further) }}
{{- end }}

{{/* Megabytes for --max-old-space-size; empty without a memory limit. Worker threads have heaps of their own. */}}
{{- define "nexus-mcp.heap" -}}
{{- with dig "limits" "memory" "" (default dict .Values.resources) }}
{{- $settings := include "nexus-mcp.settings" $ | fromYaml }}
{{- $heaps := divf (mulf (float64 (include "nexus-mcp.bytes" .)) (divf $.Values.heapPercent 100)) 1048576 | floor }}
{{- sub (int64 $heaps) (mul (int64 $settings.workers.maxThreads) (int64 $settings.workers.maxHeapMegabytes)) }}
{{- end }}
{{- end }}

{{/* Whether any pod can serve any session, and no client must stay with its pod. */}}
{{- define "nexus-mcp.hasKey" -}}
{{- if or .Values.stateKeySecret.name (dig "sessions" "stateKeyFile" "" .Values.config) }}true{{ end }}
{{- end }}

{{/* Load balancers of some clouds refuse a Service with ClientIP, and most hide the client's address. */}}
{{- define "nexus-mcp.sessionAffinity" -}}
{{- $needed := not (or (include "nexus-mcp.hasKey" .) (eq .Values.service.type "LoadBalancer")) }}
{{- default (ternary "ClientIP" "None" $needed) .Values.service.sessionAffinity }}
{{- end }}

{{/* Where the pods reach one another: the headless Service, whose name stands for all of them, ready or not. */}}
{{- define "nexus-mcp.peers" -}}
{{- $peers := list }}
{{- if or (include "nexus-mcp.hasKey" .) (include "nexus-mcp.many" .) }}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $peers = list (printf "%s.%s.svc.%s:%d" (include "nexus-mcp.metricsService" .) .Release.Namespace .Values.clusterDomain (int $settings.ops.port)) }}
{{- end }}
{{- dig "sessions" "peers" $peers .Values.config | toJson }}
{{- end }}

{{/* Whether the number of pods can be more than one. */}}
{{- define "nexus-mcp.many" -}}
{{- if or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled .Values.keda.enabled }}true{{ end }}
{{- end }}

{{/* Whether calls of helm test and the canary would be refused. */}}
{{- define "nexus-mcp.probeLacksToken" -}}
{{- if and (include "nexus-mcp.hasToken" .) (not .Values.auth.tokenSecret.name) (not .Values.probe.tokenSecret.name) }}true{{ end }}
{{- end }}

{{/* Whether the audit file is on an emptyDir. */}}
{{- define "nexus-mcp.auditEndsWithPod" -}}
{{- $file := (include "nexus-mcp.settings" . | fromYaml).audit.file }}
{{- range $mount := .Values.extraVolumeMounts }}
{{- range $volume := $.Values.extraVolumes }}
{{- if and (eq $volume.name $mount.name) (hasKey $volume "emptyDir") (hasPrefix (printf "%s/" (trimSuffix "/" $mount.mountPath)) $file) }}true{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Whether the server needs a token, as far as values tell. */}}
{{- define "nexus-mcp.hasToken" -}}
{{- $byVariable := false }}
{{- range .Values.extraEnv }}{{ if eq .name "NEXUS_AUTH_TOKEN" }}{{ $byVariable = true }}{{ end }}{{ end }}
{{- if or $byVariable .Values.auth.tokensSecret.name .Values.auth.tokenSecret.name (dig "auth" "tokensFile" "" .Values.config) (dig "auth" "issuers" (list) .Values.config) }}true{{ end }}
{{- end }}
