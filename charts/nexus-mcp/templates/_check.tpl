{{/* Fails with everything that the schema cannot see. Each check below writes a line for each problem. */}}
{{- define "nexus-mcp.check" -}}
{{- /* The others read what these texts say. */}}
{{- include "nexus-mcp.failWith" (include "nexus-mcp.checkTexts" . | splitList "\n") }}
{{- $lines := list }}
{{- range $check := list "Server" "Resources" "Stop" "Exposure" "Scaling" "Monitoring" "Latency" "Tracing" }}
{{- $lines = include (print "nexus-mcp.check" $check) $ | splitList "\n" | concat $lines }}
{{- end }}
{{- if .Values.strict }}
{{- range $line := without (include "nexus-mcp.advice" . | splitList "\n") "" }}
{{- $lines = append $lines (printf "strict: %s" $line) }}
{{- end }}
{{- end }}
{{- include "nexus-mcp.failWith" $lines }}
{{- end }}

{{- define "nexus-mcp.failWith" -}}
{{- with without . "" }}
{{- fail (printf "\n\n- %s\n" (join "\n- " .)) }}
{{- end }}
{{- end }}

{{- define "nexus-mcp.checkServer" -}}
{{- range $name, $registry := dict "image.registry" .Values.image.registry "global.imageRegistry" (dig "imageRegistry" "" (default dict .Values.global)) }}
{{- if contains "://" $registry }}
{{ $name }}: {{ $registry }} is a URL; leave out its scheme, as in registry.example.com/mirror
{{- else if hasSuffix "/" $registry }}
{{ $name }}: leave out the slash at the end of {{ $registry }}
{{- end }}
{{- end }}
{{- if regexMatch "[:@]" .Values.image.repository }}
image.repository: {{ .Values.image.repository }} has a tag or digest; put them into image.tag and image.digest
{{- end }}
{{- if contains "@" .Values.image.tag }}
image.tag: {{ .Values.image.tag }} has a digest; put it into image.digest
{{- end }}
{{- range $other, $own := .Files.Get "files/other-names.yaml" | fromYaml }}
{{- $steps := splitList "." $other }}
{{- $section := $.Values }}
{{- range initial $steps }}{{ $section = get $section . }}{{ end }}
{{- if hasKey $section (last $steps) }}
{{ $other }}: this chart has no such value; use {{ $own }}
{{- end }}
{{- end }}
{{- range $alert, $own := omit .Values.alerts "tools" }}
{{- range $other, $name := $.Files.Get "files/other-names-of-alerts.yaml" | fromYaml }}
{{- if hasKey $own $other }}
alerts.{{ $alert }}.{{ $other }}: this chart has no such value; use alerts.{{ $alert }}.{{ $name }}
{{- end }}
{{- end }}
{{- end }}
{{- include "nexus-mcp.checkLabelsOfAlerts" . }}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $config := .Values.config }}
{{- $auth := .Values.auth }}
{{- if not (int (dig "ops" "port" 0 $config)) }}
config.ops.port: must be a port; probes and metrics have one of their own
{{- else if eq (int $settings.ops.port) (int $settings.server.port) }}
config.ops.port: must differ from config.server.port ({{ int $settings.server.port }})
{{- end }}
{{- if eq (int $settings.server.port) 0 }}
config.server.port: 0 would pick a port that the Service does not know
{{- end }}
{{- $host := dig "server" "host" "0.0.0.0" $config }}
{{- range $host := list $host (dig "ops" "host" $host $config) | uniq }}
{{- if regexMatch "^(127\\.|::1$|localhost$)" $host }}
config.server.host, config.ops.host: nothing outside the pod reaches {{ $host }}; leave it out
{{- else if and (eq $host "0.0.0.0") (has "IPv6" $.Values.service.ipFamilies) }}
config.server.host, config.ops.host: 0.0.0.0 hears no IPv6, which service.ipFamilies has; set config.server.host to '::', which hears both
{{- end }}
{{- end }}
{{- if dig "auth" "token" "" $config }}
config.auth.token: would put a secret into a ConfigMap; name a Secret in auth.tokenSecret
{{- end }}
{{- with dig "auth" "issuers" list $config }}
{{- if not (dig "auth" "resource" "" $config) }}
config.auth.resource: config.auth.issuers needs the URL of /mcp as clients write it, such as https://mcp.example.com/mcp
{{- end }}
{{- range . }}
{{- if not (hasPrefix "https://" .issuer) }}
config.auth.issuers: {{ .issuer }} must be an https URL
{{- end }}
{{- end }}
{{- end }}
{{- if and $auth.tokensSecret.name (dig "auth" "tokensFile" "" $config) }}
config.auth.tokensFile: auth.tokensSecret sets it; leave one of the two out
{{- end }}
{{- if and $auth.tokensSecret.name $auth.tokenSecret.name }}
auth.tokenSecret, auth.tokensSecret: set one of the two
{{- end }}
{{- if and .Values.stateKeySecret.name (dig "sessions" "stateKeyFile" "" $config) }}
config.sessions.stateKeyFile: stateKeySecret sets it; leave one of the two out
{{- end }}
{{- if and (dig "metrics" "needToken" false $config) (not (or (include "nexus-mcp.hasToken" .) .Values.extraEnvFrom)) }}
config.metrics.needToken: nobody has a token, and the server would not start; set auth.tokensSecret, auth.tokenSecret or config.auth.issuers
{{- end }}
{{- $named := dict }}
{{- range $upstream := $settings.upstreams }}{{ $_ := set $named $upstream.name (append (default list (get $named $upstream.name)) "") }}{{ end }}
{{- range $name, $each := $named }}
{{- if gt (len $each) 1 }}
config.upstreams: {{ $name }} is the name of more than one; rename one of them
{{- end }}
{{- end }}
{{- range $index, $upstream := $settings.upstreams }}
{{- /* The URL may hold a secret. */}}
{{- if not (regexMatch "^(?i)https?://[^/]" (toString $upstream.url)) }}
config.upstreams.{{ $index }}.url: must be an http or https URL, such as http://weather.tools.svc:8000/mcp
{{- end }}
{{- end }}
{{- range $index, $host := dig "server" "allowedHosts" list $config }}
{{- if regexMatch "[/@?#\\s]|^[^:]*:[0-9]*$" $host }}
config.server.allowedHosts.{{ $index }}: {{ $host }} is not the name of a host, without scheme, port and path
{{- end }}
{{- end }}
{{- with omit (dig "discovery" dict $config) "enabled" }}
{{- /* One that is switched off keeps what it had. */}}
{{- if not (or $settings.discovery.enabled (hasKey $config.discovery "enabled")) }}
config.discovery: is not enabled, so {{ keys . | sortAlpha | join ", " }} has no effect; set config.discovery.enabled to true
{{- end }}
{{- end }}
{{- with $settings.audit.file }}
{{- $file := . }}
{{- $isMounted := false }}
{{- range $mount := $.Values.extraVolumeMounts }}
{{- if hasPrefix (printf "%s/" (trimSuffix "/" $mount.mountPath)) $file }}{{ $isMounted = not $mount.readOnly }}{{ end }}
{{- end }}
{{- if not $isMounted }}
config.audit.file: {{ . }} is on no volume of extraVolumeMounts that can be written to; mount one at its directory, which something rotates, or leave the file out, and the events are in the log
{{- end }}
{{- end }}
{{- $ofSettings := printf "^NEXUS_(CONFIG$|(%s)_)" (keys $settings | sortAlpha | join "|" | upper) }}
{{- range $entry := .Values.extraEnv }}
{{- /* A token is no part of values, and an address may be another in each pod. */}}
{{- if and (regexMatch $ofSettings $entry.name) (not (has $entry.name (list "NEXUS_AUTH_TOKEN" "NEXUS_SESSIONS_ADDRESS"))) }}
extraEnv: {{ $entry.name }} would win over config, and the chart could not check it; use config
{{- end }}
{{- if and (hasKey $entry "value") (hasKey $entry "valueFrom") }}
extraEnv: {{ $entry.name }} has both value and valueFrom
{{- end }}
{{- end }}
{{- range $claim := dig "claims" list (default dict .Values.resources) }}
{{- $found := false }}
{{- range $.Values.resourceClaims }}{{ if eq .name $claim.name }}{{ $found = true }}{{ end }}{{ end }}
{{- if not $found }}
resources.claims: {{ $claim.name }} is the name of none of resourceClaims, and Kubernetes refuses such a pod; add it there
{{- end }}
{{- end }}
{{- with include "nexus-mcp.heap" . }}
{{- if lt (int .) 64 }}
resources.limits.memory: {{ $.Values.resources.limits.memory }} leaves {{ . }} MB for the heap after the worker threads' (config.workers); it needs 64 MB: raise the limit, or lower config.workers.maxThreads or maxHeapMegabytes
{{- end }}
{{- end }}
{{- if and (eq .Values.rbac.profile "custom") (not .Values.rbac.rules) }}
rbac.rules: the custom profile needs rules
{{- end }}
{{- if and .Values.rbac.rules (ne .Values.rbac.profile "custom") }}
rbac.rules: the profile {{ .Values.rbac.profile }} ignores them; set rbac.profile to custom
{{- end }}
{{- if and .Values.rbac.clusterWide .Values.rbac.namespaces }}
rbac.namespaces: says nothing where rbac.clusterWide is true
{{- end }}
{{- end }}

{{/* Labels by which alerts are routed, grouped and inhibited. */}}
{{- define "nexus-mcp.checkLabelsOfAlerts" -}}
{{- $of := dict "monitoring.rules.labels" (omit (default dict .Values.monitoring.rules.labels) "cluster") }}
{{- range $alert, $own := omit .Values.alerts "tools" }}
{{- $_ := set $of (printf "alerts.%s.labels" $alert) (default dict (default dict $own).labels) }}
{{- end }}
{{- range $place, $labels := $of }}
{{- range $label := list "severity" "alertname" "cluster" "namespace" "job" "instance" }}
{{- if hasKey $labels $label }}
{{- if eq $label "severity" }}
{{- $alert := regexFind "NexusMCP[A-Za-z]+" $place }}
{{ $place }}.severity: is a value of its own; use alerts.{{ default "NAME" $alert }}.severity{{ if and $alert (not (hasKey (get $.Values.alerts $alert) "severity")) }}, which an alert of two severities does not have{{ end }}
{{- else }}
{{ $place }}.{{ $label }}: alerts are routed, grouped and inhibited by this label, which says whose they are; name it otherwise
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A call that was accepted must be able to end before the pod is killed. */}}
{{- define "nexus-mcp.checkStop" -}}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $shutdown := $settings.shutdown }}
{{- $longest := float64 (include "nexus-mcp.longestTool" .) }}
{{- $calls := ceil (addf $shutdown.delaySeconds $settings.limits.queueWaitSeconds $longest) | int }}
{{- $deadline := max $calls (ceil $shutdown.deadlineSeconds | int) }}
{{- $grace := add (int .Values.preStopSleepSeconds) $deadline 5 }}
{{- $low := list }}
{{- if lt (float64 $shutdown.deadlineSeconds) (float64 $calls) }}
{{- $low = append $low (printf "config.shutdown.deadlineSeconds to %d or more (it is %v)" $calls $shutdown.deadlineSeconds) }}
{{- end }}
{{- if lt (int .Values.terminationGracePeriodSeconds) (int $grace) }}
{{- $low = append $low (printf "terminationGracePeriodSeconds to %d or more (it is %d)" $grace (int .Values.terminationGracePeriodSeconds)) }}
{{- end }}
{{- with $low }}
config.shutdown, terminationGracePeriodSeconds: calls would be cut off; set {{ join " and " . }}. A call may take config.shutdown.delaySeconds ({{ $shutdown.delaySeconds }} s), config.limits.queueWaitSeconds ({{ $settings.limits.queueWaitSeconds }} s) and the longest deadline of a tool ({{ $longest }} s) until it ends: the deadline of the stop is no less. The grace period is preStopSleepSeconds ({{ int $.Values.preStopSleepSeconds }} s), that deadline ({{ $deadline }} s), and 5 s to spare
{{- end }}
{{- end }}

{{- define "nexus-mcp.checkExposure" -}}
{{- $keepAlive := dig "server" "keepAliveTimeoutSeconds" 1e9 .Values.config }}
{{- $least := include "nexus-mcp.leastKeepAlive" . | int }}
{{- if lt (float64 $keepAlive) (float64 $least) }}
config.server.keepAliveTimeoutSeconds: {{ $keepAlive }} s is no longer than the load balancer (ingress.controller {{ .Values.ingress.controller }}) keeps idle connections: requests that it sends on a closed one get 502; set at least {{ $least }}, or leave it out
{{- end }}
{{- if .Values.ingress.enabled }}
{{- range $tls := .Values.ingress.tls }}
{{- range $host := $tls.hosts }}
{{- if not (has $host $.Values.ingress.hosts) }}
ingress.tls: {{ $host }} is no host of the Ingress; name it in ingress.hosts too
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress.hosts: name at least one host
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
httpRoute.parentRefs: name at least one gateway
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.hostnames) (not (dig "server" "allowedHosts" list .Values.config)) }}
httpRoute.hostnames: name the hosts, or name in config.server.allowedHosts those that the gateway has; the server answers to no others
{{- end }}
{{- if and .Values.ingress.enabled (eq .Values.ingress.controller "alb") .Values.networkPolicy.enabled (not .Values.networkPolicy.extraIngress) }}
networkPolicy.extraIngress: let the subnets of the load balancer in, which asks the port metrics whether a pod is ready: {from: [{ipBlock: {cidr: 10.0.0.0/16}}], ports: [{port: metrics}]}
{{- end }}
{{- if and .Values.networkPolicy.enabled (eq .Values.networkPolicy.egress "none") (or (ne .Values.rbac.profile "none") (include "nexus-mcp.discoveryNamespaces" . | fromJsonArray)) (not .Values.networkPolicy.kubernetesApi) }}
networkPolicy.kubernetesApi: say where the Kubernetes API is, which rbac.profile lets tools use, or config.discovery the server: {ipBlock: {cidr: 10.0.0.10/32}} for each address of kubectl get endpointslices -n default -l kubernetes.io/service-name=kubernetes
{{- end }}
{{- if not .Values.networkPolicy.enabled }}
{{- /* The extra rules only let more through, as is so without a policy. */}}
{{- $changed := pick .Values.networkPolicy "clients" "upstreams" "kubernetesApi" }}
{{- if ne (toJson .Values.networkPolicy.prometheus) (list (dict "namespaceSelector" dict) | toJson) }}{{ $_ := set $changed "prometheus" true }}{{ end }}
{{- if eq .Values.networkPolicy.egress "none" }}{{ $_ := set $changed "egress" true }}{{ end }}
{{- range $name, $value := $changed }}
{{- if $value }}
networkPolicy.{{ $name }}: there is no policy; set networkPolicy.enabled to true
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.networkPolicy.upstreams (not (include "nexus-mcp.discoveryNamespaces" . | fromJsonArray)) }}
networkPolicy.upstreams: says nothing where config.discovery.enabled is false; what upstreams of config.upstreams need is networkPolicy.extraEgress
{{- end }}
{{- if and (int .Values.service.nodePort) (eq .Values.service.type "ClusterIP") }}
service.nodePort: a ClusterIP Service has none
{{- end }}
{{- end }}

{{- define "nexus-mcp.checkScaling" -}}
{{- $scaling := .Values.autoscaling }}
{{- $keda := .Values.keda }}
{{- $budget := .Values.podDisruptionBudget }}
{{- if and $scaling.enabled $keda.enabled }}
autoscaling.enabled, keda.enabled: both would scale the Deployment; set one of the two
{{- end }}
{{- range $name, $bounds := dict "autoscaling" $scaling "keda" $keda }}
{{- if and $bounds.enabled (gt (int $bounds.minReplicas) (int $bounds.maxReplicas)) }}
{{ $name }}.minReplicas: must not exceed maxReplicas ({{ int $bounds.maxReplicas }})
{{- end }}
{{- end }}
{{- if and $scaling.enabled (lt (int $scaling.minReplicas) 1) }}
autoscaling.minReplicas: must be at least 1
{{- end }}
{{- if and $scaling.enabled (not (or (int $scaling.cpuUtilization) (int $scaling.memoryUtilization) (float64 $scaling.callsInFlight) (float64 $scaling.activeSessions) $scaling.metrics)) }}
autoscaling: has nothing to scale by; set cpuUtilization or another
{{- end }}
{{- if and $scaling.enabled (int $scaling.cpuUtilization) (not (dig "requests" "cpu" "" (default dict .Values.resources))) }}
autoscaling.cpuUtilization: is a share of resources.requests.cpu, which is not set
{{- end }}
{{- if and $keda.enabled (or (float64 $keda.callsInFlight) (float64 $keda.activeSessions)) (not $keda.serverAddress) }}
keda.serverAddress: name the Prometheus to ask
{{- end }}
{{- if and $keda.enabled (not (or (float64 $keda.callsInFlight) (float64 $keda.activeSessions) $keda.triggers)) }}
keda: has nothing to scale by; set callsInFlight or another
{{- end }}
{{- if not (or (kindIs "invalid" $budget.minAvailable) (kindIs "invalid" $budget.maxUnavailable)) }}
podDisruptionBudget.minAvailable, maxUnavailable: set one of the two; one that another values file has set becomes unset by null
{{- else if and $budget.enabled (include "nexus-mcp.many" .) }}
{{- $pods := int .Values.replicas }}
{{- range $scaler := list $scaling $keda }}{{ if $scaler.enabled }}{{ $pods = max 1 (int $scaler.minReplicas) }}{{ end }}{{ end }}
{{- if not (kindIs "invalid" $budget.minAvailable) }}
{{- $least := toString $budget.minAvailable }}
{{- $stay := atoi (trimSuffix "%" $least) }}
{{- /* Kubernetes rounds up. */}}
{{- if hasSuffix "%" $least }}{{ $stay = divf (mulf $stay $pods) 100 | ceil | int }}{{ end }}
{{- if ge $stay $pods }}
podDisruptionBudget.minAvailable: {{ $least }} lets none of {{ $pods }} {{ ternary "pod" "pods" (eq $pods 1) }} be evicted, so draining a node never ends; {{ if eq $pods 1 }}set maxUnavailable to 1 instead{{ else }}lower it, or set maxUnavailable to 1 instead{{ end }}
{{- end }}
{{- else if has (toString $budget.maxUnavailable) (list "0" "0%") }}
podDisruptionBudget.maxUnavailable: 0 lets no pod be evicted, so draining a node never ends; allow 1
{{- end }}
{{- end }}
{{- end }}

{{- define "nexus-mcp.checkMonitoring" -}}
{{- $monitoring := .Values.monitoring }}
{{- $monitor := $monitoring.monitor }}
{{- $rules := $monitoring.rules }}
{{- $operator := $monitoring.dashboards.grafanaOperator }}
{{- if and .Values.canary.enabled (include "nexus-mcp.probeLacksToken" .) }}
probe.tokenSecret: the canary needs a token to call with, because the server needs one{{ with include "nexus-mcp.staticToken" . }}; name a Secret that has one{{ . }}{{ end }}
{{- end }}
{{- if and .Values.probe.arguments (not .Values.probe.tool) }}
probe.arguments: say of which tool, in probe.tool
{{- end }}
{{- if and $monitor.interval $monitor.scrapeTimeout }}
{{- if gt (int64 (include "nexus-mcp.milliseconds" $monitor.scrapeTimeout)) (int64 (include "nexus-mcp.milliseconds" $monitor.interval)) }}
monitoring.monitor.scrapeTimeout: {{ $monitor.scrapeTimeout }} exceeds the interval, {{ $monitor.interval }}
{{- end }}
{{- end }}
{{- $most := int64 (include "nexus-mcp.leastSamples" .) }}
{{- if and (int64 $monitor.sampleLimit) (lt (int64 $monitor.sampleLimit) $most) (not $monitor.endpoint.metricRelabelings) }}
monitoring.monitor.sampleLimit: {{ int64 $monitor.sampleLimit }} is too low: with one tool{{ if include "nexus-mcp.mostUpstreams" . | int }}, and upstreams with their tools (config.discovery.maxUpstreams, config.limits.upstreamTools),{{ end }} a scrape can have {{ $most }} samples, and what exceeds the limit is dropped as a whole; raise it, or set it to 0 for no limit
{{- end }}
{{- if and (eq $monitor.kind "PodMonitor") $monitor.spec.targetLabels }}
monitoring.monitor.spec.targetLabels: a PodMonitor has no Service to copy them from; use podTargetLabels
{{- end }}
{{- range $part, $names := dict "endpoint" (list "port" "path" "interval" "scrapeTimeout" "relabelings") "spec" (list "selector" "namespaceSelector" "endpoints" "podMetricsEndpoints" "jobLabel" "sampleLimit") }}
{{- range $name := $names }}
{{- if hasKey (get $monitor $part) $name }}
monitoring.monitor.{{ $part }}.{{ $name }}: the chart writes it{{ if hasKey $monitor $name }}; set monitoring.monitor.{{ $name }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- if not (include "nexus-mcp.exposesMetrics" .) }}
{{- range $name, $part := dict "monitor" $monitor "rules" $rules }}
{{- if and (kindIs "bool" $part.enabled) $part.enabled }}
monitoring.{{ $name }}.enabled: there are no metrics; see config.metrics
{{- end }}
{{- end }}
{{- end }}
{{- if $monitoring.failIfMissing }}
{{- include "nexus-mcp.missingApis" . }}
{{- end }}
{{- $bounds := $.Files.Get "files/objectives.yaml" | fromYaml }}
{{- range $name := list "availabilityObjective" "latencyObjective" }}
{{- $objective := get $rules $name }}
{{- if not (and (gt (float64 $objective) $bounds.above) (lt (float64 $objective) $bounds.below)) }}
monitoring.rules.{{ $name }}: {{ $objective }} must be a share in percent, above {{ printf "%.2f" $bounds.above }} and below {{ int $bounds.below }}, as 99.5
{{- end }}
{{- end }}
{{- if include "nexus-mcp.wantsRules" . }}
{{- if and $monitor.jobLabel (not $rules.selector) }}
monitoring.rules.selector: state which job the rules are about, because monitor.jobLabel changes it
{{- end }}
{{- if not $rules.selector }}
{{- range $monitor.relabelings }}
{{- $label := default "" .targetLabel }}
{{- if and (has $label (list "job" "namespace")) (not (has (default "replace" .action | lower) (list "keepequal" "dropequal"))) }}
monitoring.rules.selector: state which targets the rules are about, because monitor.relabelings changes {{ $label }}
{{- end }}
{{- end }}
{{- end }}
{{- $told := dig "NexusMCPRecordsMissing" "enabled" false (default dict .Values.alerts) }}
{{- if and $rules.alertingRules (not $rules.recordingRules) (not $told) }}
{{- range $name := list "NexusMCPErrorBudgetBurn" "NexusMCPLatencyBudgetBurn" "NexusMCPErrorBudgetExhausted" }}
{{- if (get $.Values.alerts $name).enabled }}
monitoring.rules.recordingRules: alerts.{{ $name }} reads what they record; disable it too, or let alerts.NexusMCPRecordsMissing tell where nothing else records it
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $operator.enabled (not $operator.instanceSelector) }}
monitoring.dashboards.grafanaOperator.instanceSelector: say which Grafana, such as {matchLabels: {dashboards: grafana}}
{{- end }}
{{- end }}

{{/* An alert cannot see that calls are slower than the highest bucket, nor count by one that the server does not have. */}}
{{- define "nexus-mcp.checkLatency" -}}
{{- $buckets := include "nexus-mcp.durationBuckets" . | fromJsonArray }}
{{- $highest := last $buckets }}
{{- $others := "; there are others where a deadline in config.limits or config.tools.settings is longer, or where config.metrics.durationBuckets names them, as [30, 60, 120]" }}
{{- $limits := dict "alerts.NexusMCPToolLatencyHigh.threshold" .Values.alerts.NexusMCPToolLatencyHigh.threshold }}
{{- range $tool, $amounts := .Values.alerts.tools }}
{{- $_ := set $limits (printf "alerts.tools.%s.latencySeconds" $tool) $amounts.latencySeconds }}
{{- end }}
{{- range $value, $limit := $limits }}
{{- if and $limit (ge (float64 $limit) (float64 $highest)) }}
{{ $value }}: {{ $limit }} s must be below {{ $highest }} s, the highest bucket of mcp_tool_duration_seconds as far as values tell, or the alert could never fire{{ $others }}
{{- end }}
{{- end }}
{{- $fast := false }}
{{- range $bucket := initial $buckets }}
{{- if eq (float64 $bucket) (float64 $.Values.monitoring.rules.latencySeconds) }}{{ $fast = true }}{{ end }}
{{- end }}
{{- if not $fast }}
monitoring.rules.latencySeconds: {{ .Values.monitoring.rules.latencySeconds }} s must be a bucket of mcp_tool_duration_seconds below the highest, as far as values tell: {{ initial $buckets | join ", " }}{{ $others }}
{{- end }}
{{- $before := last (.Files.Get "files/buckets.yaml" | fromYaml).durations.always }}
{{- range $bucket := dig "metrics" "durationBuckets" list .Values.config }}
{{- if le (float64 $bucket) (float64 $before) }}
config.metrics.durationBuckets: must be in ascending order, each once; {{ $bucket }} comes after {{ $before }}
{{- end }}
{{- $before = $bucket }}
{{- end }}
{{- end }}

{{- define "nexus-mcp.checkTracing" -}}
{{- $tracing := .Values.tracing }}
{{- $sampler := $tracing.sampler }}
{{- $endpoint := dig "tracing" "endpoint" "" .Values.config }}
{{- if $endpoint }}
{{- if not (regexMatch "^(?i)https?://[^/]" $endpoint) }}
config.tracing.endpoint: must be a URL that begins with http:// or https://, such as http://collector.observability:4318, not {{ $endpoint }}
{{- else if (urlParse $endpoint).userinfo }}
config.tracing.endpoint: must not hold credentials; tracing.headersSecret names them
{{- else if gt (int (include "nexus-mcp.collectorPort" .)) 65535 }}
config.tracing.endpoint: the port must not exceed 65535
{{- else if hasSuffix "/v1/traces" (trimSuffix "/" $endpoint) }}
config.tracing.endpoint: leave out /v1/traces, which OTLP adds
{{- end }}
{{- end }}
{{- if and (lt (float64 $tracing.ratio) 1.0) (not (hasSuffix "traceidratio" $sampler)) }}
tracing.ratio: the sampler {{ $sampler }} does not look at it; use one named traceidratio
{{- end }}
{{- range $entry := .Values.extraEnv }}
{{- if and $endpoint (regexMatch "^OTEL_(EXPORTER_OTLP_(TRACES_)?(ENDPOINT|HEADERS)|TRACES_SAMPLER(_ARG)?|RESOURCE_ATTRIBUTES)$" $entry.name) }}
extraEnv: {{ $entry.name }} would win over config.tracing.endpoint and tracing, and the network policy could not know; use these
{{- end }}
{{- end }}
{{- if not $endpoint }}
{{- range $name, $set := dict "ratio" (lt (float64 $tracing.ratio) 1.0) "headersSecret" $tracing.headersSecret.name "resourceAttributes" $tracing.resourceAttributes }}
{{- if $set }}
tracing.{{ $name }}: nothing is traced; say where to in config.tracing.endpoint, such as http://collector.observability:4318
{{- end }}
{{- end }}
{{- end }}
{{- end }}
