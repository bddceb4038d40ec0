{{/* Numbers go through int, int64 or float64 before they are tested: Helm 3.18.0 hands them over as texts, and "0" is true. */}}
{{/* A quantity of Kubernetes in bytes. */}}
{{- define "nexus-mcp.bytes" -}}
{{- $text := "" }}
{{- if kindIs "string" . }}{{ $text = . }}{{ else }}{{ $text = printf "%.0f" (float64 .) }}{{ end }}
{{- $number := regexFind "^[0-9.]+" $text }}
{{- $unit := trimPrefix $number $text }}
{{- $sizes := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- if not (hasKey $sizes $unit) }}{{ fail (printf "\n\n- resources.limits.memory: %s cannot be read; write it in Mi or Gi\n" $text) }}{{ end }}
{{- $bytes := mulf (float64 $number) (float64 (get $sizes $unit)) }}
{{- if lt $bytes 1048576.0 }}{{ fail (printf "\n\n- resources.limits.memory: %s is %.0f bytes; write it in Mi or Gi\n" $text $bytes) }}{{ end }}
{{- printf "%.0f" $bytes }}
{{- end }}

{{/* A duration of Prometheus in milliseconds. It may still be a number here, because the check may come later. */}}
{{- define "nexus-mcp.milliseconds" -}}
{{- $total := 0 }}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 }}
{{- range $part := regexFindAll "[0-9]+(ms|[smhdwy])" (toString .) -1 }}
{{- $number := regexFind "^[0-9]+" $part }}
{{- $total = add $total (mul (int64 $number) (get $units (trimPrefix $number $part))) }}
{{- end }}
{{- $total }}
{{- end }}

{{/*
A list of which each entry has a key of its own, so that server-side apply takes it: later ones replace earlier ones
in their place. Takes key and lists.
*/}}
{{- define "nexus-mcp.unique" -}}
{{- $key := .key }}
{{- $order := list }}
{{- $found := dict }}
{{- range $list := .lists }}
{{- range $entry := $list }}
{{- $name := get $entry $key }}
{{- if not (has $name $order) }}{{ $order = append $order $name }}{{ end }}
{{- $_ := set $found $name $entry }}
{{- end }}
{{- end }}
{{- $result := list }}
{{- range $name := $order }}{{ $result = append $result (get $found $name) }}{{ end }}
{{- if $result }}{{ toYaml $result }}{{ end }}
{{- end }}
