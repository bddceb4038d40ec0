{{/*
Puts the defaults in place of values that are null, which Helm takes out, except where null takes something away. Every
file that is rendered begins with it, because Helm promises no order.
*/}}
{{- define "nexus-mcp.noNulls" -}}
{{- $whenNull := .Files.Get "files/when-null.json" | fromJson }}
{{- include "nexus-mcp.noNullsIn" (dict "values" .Values "whenNull" $whenNull "all" false) }}
{{- end }}

{{- define "nexus-mcp.noNullsIn" -}}
{{- range $name, $whenNull := .whenNull }}
{{- $isNull := kindIs "invalid" (index $.values $name) }}
{{- if kindIs "map" $whenNull }}
{{- if $isNull }}{{ $_ := set $.values $name dict }}{{ end }}
{{- include "nexus-mcp.noNullsIn" (dict "values" (index $.values $name) "whenNull" $whenNull "all" (or $.all $isNull)) }}
{{- else if and $isNull (or $.all (not (has "gone" (rest $whenNull)))) }}
{{- $_ := set $.values $name (first $whenNull) }}
{{- end }}
{{- end }}
{{- end }}
