{{/* A quantity of Kubernetes as a number, for comparing. */}}
{{- define "nexus-mcp.amount" -}}
{{- $text := toString . }}
{{- $number := regexFind "^[0-9.]+(e[+]?[0-9]+)?" $text }}
{{- $factors := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 }}
{{- mulf (float64 $number) (float64 (default 1 (get $factors (trimPrefix $number $text)))) | printf "%.3f" }}
{{- end }}

{{- define "nexus-mcp.checkResources" -}}
{{- range $name, $resources := dict "resources" .Values.resources "probe.resources" .Values.probe.resources }}
{{- $limits := dig "limits" dict (default dict $resources) | default dict }}
{{- range $kind, $request := dig "requests" dict (default dict $resources) | default dict }}
{{- $limit := get $limits $kind }}
{{- if and (ne (toString $request) "") (hasKey $limits $kind) (gt (float64 (include "nexus-mcp.amount" $request)) (float64 (include "nexus-mcp.amount" $limit))) }}
{{ $name }}.requests.{{ $kind }}: {{ toJson $request | trimAll "\"" }} exceeds {{ $name }}.limits.{{ $kind }}, {{ toJson $limit | trimAll "\"" }}; lower the request or raise the limit
{{- end }}
{{- end }}
{{- end }}
{{- end }}
