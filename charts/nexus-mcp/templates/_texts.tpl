{{/* Texts that are not what is expected, and numbers in their places. In a path * stands for each part of a list or map, and @ for the name of each. */}}
{{- define "nexus-mcp.checkTexts" -}}
{{- range $rule := (.Files.Get "files/patterns.yaml" | fromYaml).patterns }}
{{- range $path := $rule.paths }}
{{- $found := dict "" $.Values }}
{{- range $step := splitList "." $path }}
{{- $below := dict }}
{{- range $at, $whole := $found }}
{{- if not (or (kindIs "map" $whole) (kindIs "slice" $whole)) }}
{{- else if eq $step "*" }}
{{- range $name, $part := $whole }}{{ $_ := set $below (printf "%s.%v" $at $name) $part }}{{ end }}
{{- else if eq $step "@" }}
{{- range $name, $_ := $whole }}{{ $_ := set $below (printf "%s.%s" $at $name) $name }}{{ end }}
{{- else if hasKey $whole $step }}
{{- $_ := set $below (printf "%s.%s" $at $step | trimPrefix ".") (get $whole $step) }}
{{- end }}
{{- end }}
{{- $found = $below }}
{{- end }}
{{- range $at, $text := $found }}
{{- /* Helm 3.18.0 has numbers of another type, whose kind is that of texts. */}}
{{- if typeIs "string" $text }}
{{- if not (regexMatch $rule.pattern $text) }}
{{ $at }}: {{ printf "%q" $text }} {{ $rule.expected }}
{{- end }}
{{- else if not (or $rule.numbers (kindIs "invalid" $text)) }}
{{ $at }}: {{ $text }} {{ $rule.expected }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
