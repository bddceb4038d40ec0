{{- define "nexus-mcp.volumes" -}}
{{- $name := include "nexus-mcp.fullname" . }}
- name: config
  configMap:
    name: {{ $name | quote }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmpSizeLimit }}
{{- with .Values.auth.tokensSecret }}
{{- if .name }}
- name: tokens
  secret:
    secretName: {{ .name | quote }}
    defaultMode: 0440
    items: [{ key: {{ .key | quote }}, path: tokens.yaml }]
{{- end }}
{{- end }}
{{- with .Values.stateKeySecret }}
{{- if .name }}
- name: state-key
  secret:
    secretName: {{ .name | quote }}
    defaultMode: 0440
    items: [{ key: {{ .key | quote }}, path: state-key }]
{{- end }}
{{- end }}
{{- if .Values.toolModules.files }}
- name: tools
  configMap:
    name: {{ printf "%s-modules" $name | quote }}
{{- end }}
{{- range .Values.toolModules.configMaps }}
- name: {{ printf "tools-%s" .name | trunc 63 | trimSuffix "-" }}
  configMap:
    name: {{ .name | quote }}
{{- end }}
{{- if include "nexus-mcp.usesApi" . }}
- {{ include "nexus-mcp.tokenVolume" . | indent 2 | trim }}
{{- end }}
{{- end }}

{{- define "nexus-mcp.mounts" -}}
- name: config
  mountPath: /etc/nexus-mcp/config
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if .Values.auth.tokensSecret.name }}
- name: tokens
  mountPath: /etc/nexus-mcp/auth
  readOnly: true
{{- end }}
{{- if .Values.stateKeySecret.name }}
- name: state-key
  mountPath: /etc/nexus-mcp/state
  readOnly: true
{{- end }}
{{- if .Values.toolModules.files }}
- name: tools
  mountPath: /etc/nexus-mcp/tools
  readOnly: true
{{- end }}
{{- range .Values.toolModules.configMaps }}
- name: {{ printf "tools-%s" .name | trunc 63 | trimSuffix "-" }}
  mountPath: /etc/nexus-mcp/tools-{{ .name }}
  readOnly: true
{{- end }}
{{- if include "nexus-mcp.usesApi" . }}
- {{ include "nexus-mcp.tokenMount" . | indent 2 | trim }}
{{- end }}
{{- end }}

{{- define "nexus-mcp.env" -}}
- name: NEXUS_CONFIG
  value: /etc/nexus-mcp/config/nexus.yaml
# The image has this variable, which wins over the file.
- name: NEXUS_SERVER_HOST
  value: {{ dig "server" "host" "0.0.0.0" .Values.config | quote }}
{{- with include "nexus-mcp.heap" . }}
- name: NODE_OPTIONS
  value: --max-old-space-size={{ . }}
{{- end }}
{{- if and (include "nexus-mcp.peers" . | fromJsonArray) (not (dig "sessions" "address" "" .Values.config)) }}
- name: NEXUS_SESSIONS_ADDRESS
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
{{- end }}
{{- with .Values.auth.tokenSecret }}
{{- if .name }}
- name: NEXUS_AUTH_TOKEN
  valueFrom:
    secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} }
{{- end }}
{{- end }}
{{- with include "nexus-mcp.tracingEnv" . }}
{{ . | trim }}
{{- end }}
{{- end }}
