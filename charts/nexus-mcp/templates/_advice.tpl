{{/*
What stops no release, and makes a first day go wrong: a line for each. The notes say it; with strict it is refused, for those who see no
notes.
*/}}
{{- define "nexus-mcp.advice" -}}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $monitor := .Values.monitoring.monitor }}
{{- if not .Values.monitoring.failIfMissing }}
{{- include "nexus-mcp.missingApis" . }}
{{- end }}
{{- $scaling := .Values.autoscaling }}
{{- $versions := .Capabilities.APIVersions }}
{{- if and $scaling.enabled (or (float64 $scaling.callsInFlight) (float64 $scaling.activeSessions)) (not (or ($versions.Has "custom.metrics.k8s.io/v1beta2") ($versions.Has "custom.metrics.k8s.io/v1beta1"))) }}
autoscaling.{{ ternary "callsInFlight" "activeSessions" (gt (float64 $scaling.callsInFlight) 0.0) }}: the cluster has no custom.metrics.k8s.io, so the number of pods does not follow it; install prometheus-adapter (k8s/examples/prometheus-adapter-values.yaml). If the cluster has it, and you use helm template, which asks no cluster, pass --api-versions custom.metrics.k8s.io/v1beta1
{{- end }}
{{- if and (include "nexus-mcp.wantsRules" .) .Values.monitoring.rules.alertingRules (gt (int64 (include "nexus-mcp.milliseconds" (default "30s" $monitor.interval))) 30000) }}
monitoring.monitor.interval: {{ $monitor.interval }} is too long: the alerts need 30s or less, and come late otherwise
{{- end }}
{{- if include "nexus-mcp.hasToken" . }}
{{- else if or .Values.ingress.enabled .Values.httpRoute.enabled }}
{{- $through := ternary "Ingress" "HTTPRoute" .Values.ingress.enabled }}
auth.tokensSecret.name: no token is needed, so everybody who reaches the {{ $through }} can call the tools; name a Secret with tokens here. networkPolicy.clients cannot tell them apart, because all come through the {{ ternary "ingress controller" "gateway" .Values.ingress.enabled }}
{{- else if not (and .Values.networkPolicy.enabled .Values.networkPolicy.clients) }}
auth.tokensSecret.name: no token is needed, so everybody who reaches the Service can call the tools; name a Secret with tokens here, or limit who reaches it with networkPolicy.enabled and networkPolicy.clients
{{- end }}
{{- if and .Values.probe.helmTest (include "nexus-mcp.probeLacksToken" .) }}
probe.tokenSecret.name: the server needs a token and helm test has none, so it would fail; name a Secret that has a token in the key {{ .Values.probe.tokenSecret.key }}{{ include "nexus-mcp.staticToken" . }}, or set probe.helmTest to false if nobody runs helm test
{{- end }}
{{- include "nexus-mcp.adviceOnIssuers" . }}
{{- if $settings.metrics.needToken }}
config.metrics.needToken: has no effect. It is for the main port, but in this chart /metrics and the status page are on another one (config.ops.port), which needs no token; leave it out, and say in networkPolicy.prometheus who reaches that port
{{- end }}
{{- if and (include "nexus-mcp.many" .) (not (include "nexus-mcp.hasKey" .)) }}
stateKeySecret.name: the pods share no key; name a Secret with one here. Without it, a session of a 2025-era client is served by the pod that began it and by no other, and ends with that pod, at each restart, rollout and scale-down. A tool that asks its client for input fails if the answer reaches another pod. {{ if eq (include "nexus-mcp.sessionAffinity" .) "ClientIP" -}}
The Service sends each client address to the same pod; behind a proxy or gateway that does not, requests that reach another pod get 404
{{- else -}}
The Service does not send clients to the same pod, so requests that reach another pod get 404, unless your load balancer keeps clients with their pod
{{- end }}
{{- end }}
{{- range $scaler, $scaling := dict "autoscaling" .Values.autoscaling "keda" .Values.keda }}
{{- if and $scaling.enabled (float64 $scaling.activeSessions) (include "nexus-mcp.hasKey" $) }}
{{ $scaler }}.activeSessions: counts a session in each pod that serves it. With a key, after a while each pod serves each session, so more pods do not lower the number for each, and may be added up to {{ int $scaling.maxReplicas }} for nothing; scale by {{ $scaler }}.callsInFlight instead
{{- end }}
{{- end }}
{{- if and (or .Values.ingress.enabled .Values.httpRoute.enabled) (not (int $settings.server.trustedProxies)) }}
{{- $proxy := ternary "ingress controller" "gateway" .Values.ingress.enabled }}
{{- if not (include "nexus-mcp.hasToken" .) }}
config.server.trustedProxies: is 0, so all clients from outside seem to have the address of the {{ $proxy }}, and share one quota (config.limits.callsPerSecond); set it to the number of proxies in front, usually 1
{{- else if $settings.audit.enabled }}
config.server.trustedProxies: is 0, so refused requests are in the audit with the address of the {{ $proxy }}; set it to the number of proxies in front, usually 1
{{- end }}
{{- end }}
{{- if eq (include "nexus-mcp.collectorPort" .) "4317" }}
config.tracing.endpoint: 4317 is usually the port of OTLP over gRPC; the server sends spans by OTLP over HTTP, whose port is usually 4318
{{- end }}
{{- if and $settings.upstreams .Values.networkPolicy.enabled (ne .Values.networkPolicy.egress "any") (not .Values.networkPolicy.extraEgress) }}
{{- range $upstream := $settings.upstreams }}
{{- $host := (urlParse $upstream.url).host }}
{{- if or (eq $.Values.networkPolicy.egress "none") (regexMatch "^[^.]+(:[0-9]+)?$|\\.svc(\\.|:|$)" $host) }}
networkPolicy.extraEgress: the network policy blocks calls to the upstream {{ $upstream.name }} ({{ $host }}); allow its pods and their port here
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* What goes wrong with accounts of an identity provider. */}}
{{- define "nexus-mcp.adviceOnIssuers" -}}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- if $settings.auth.issuers }}
{{- $outside := concat (ternary .Values.ingress.hosts list .Values.ingress.enabled) (ternary .Values.httpRoute.hostnames list .Values.httpRoute.enabled) }}
{{- $host := regexReplaceAll ":[0-9]+$" (urlParse (default "" $settings.auth.resource)).host "" | lower }}
{{- $isKnown := false }}
{{- range include "nexus-mcp.hosts" . | fromJsonArray }}
{{- $known := lower . }}
{{- if or (eq $known $host) (and (hasPrefix "*." $known) (hasSuffix (trimPrefix "*" $known) $host)) }}{{ $isKnown = true }}{{ end }}
{{- end }}
{{- if and $outside $host (not $isKnown) }}
config.auth.resource: {{ $host }} is no host of the {{ ternary "Ingress" "HTTPRoute" .Values.ingress.enabled }} ({{ join ", " $outside }}), and clients that were given another URL than this one do not sign in; correct it, or name its host in config.server.allowedHosts too if a proxy in front has that name
{{- end }}
{{- if and $settings.audit.enabled (not (include "nexus-mcp.hasKey" .)) }}
stateKeySecret.name: config.audit.enabled hashes users of config.auth.issuers with a key that each pod makes for itself, so audit events of several pods cannot be compared, and nobody can tell whose a hash is; name a Secret with a key here
{{- end }}
{{- end }}
{{- end }}

{{/* What a token of a probe must be where there is an identity provider. */}}
{{- define "nexus-mcp.staticToken" -}}
{{- if dig "auth" "issuers" list .Values.config }} and is in the list of auth.tokensSecret, which holds beside config.auth.issuers: a probe cannot sign in at an identity provider{{ end }}
{{- end }}

{{/* What auto leaves out, because the cluster has no such API. */}}
{{- define "nexus-mcp.missingApis" -}}
{{- $monitoring := .Values.monitoring }}
{{- $lacks := dict $monitoring.monitor.kind (list "monitor" $monitoring.monitor.enabled "Prometheus Operator will not find the pods") "PrometheusRule" (list "rules" $monitoring.rules.enabled "NOTHING WILL ALERT") }}
{{- if include "nexus-mcp.exposesMetrics" . }}
{{- range $kind, $lack := $lacks }}
{{- if and (eq (toString (index $lack 1)) "auto") (not (include "nexus-mcp.hasApi" (dict "context" $ "kind" $kind))) }}
monitoring.{{ first $lack }}.enabled: the cluster has no {{ $monitoring.apiVersion }}/{{ $kind }}, so {{ last $lack }}; install Prometheus Operator. If the cluster has it, and you use helm template, which asks no cluster, set this value to true, or pass --api-versions {{ $monitoring.apiVersion }}/{{ $kind }}. If you want no {{ $kind }}, set this value to false
{{- end }}
{{- end }}
{{- end }}
{{- end }}
