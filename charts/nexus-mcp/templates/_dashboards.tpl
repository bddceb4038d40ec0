{{/*
What tells a release's dashboards from those of others in one Grafana: it is in the names of objects and files, in uids, titles and tags.
Empty where a release has no dashboards, and names no set of another: then its alerts lead to those that were imported by hand.
*/}}
{{- define "nexus-mcp.dashboardSet" -}}
{{- if .Values.monitoring.dashboards.set }}
{{- .Values.monitoring.dashboards.set }}
{{- else if include "nexus-mcp.wantsDashboards" . }}
{{- printf "%s.%s" .Release.Namespace (include "nexus-mcp.fullname" .) }}
{{- end }}
{{- end }}

{{/* What follows nexus-mcp-overview, and the others, in their uids, which have 40 characters at most. */}}
{{- define "nexus-mcp.dashboardSuffix" -}}
{{- with include "nexus-mcp.dashboardSet" . }}-{{ sha256sum . | trunc 12 }}{{ end }}
{{- end }}
