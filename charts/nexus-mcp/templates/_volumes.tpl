{{/* What is mounted where: each entry a volume, with its place in the container. */}}
{{- define "nexus-mcp.mounted" -}}
- mountPath: /etc/nexus-mcp/config
  name: config
  configMap: { name: {{ include "nexus-mcp.configName" . | quote }} }
- mountPath: /tmp
  name: tmp
  emptyDir: { sizeLimit: {{ .Values.tmpSizeLimit }} }
{{- range $secret := list
  (dict "path" "/etc/nexus-mcp/auth" "name" "tokens" "file" "tokens.yaml" "from" .Values.auth.tokensSecret)
  (dict "path" "/etc/nexus-mcp/state" "name" "state-key" "file" "state-key" "from" .Values.stateKeySecret) }}
{{- if $secret.from.name }}
- mountPath: {{ $secret.path }}
  name: {{ $secret.name }}
  secret:
    secretName: {{ $secret.from.name | quote }}
    defaultMode: 0440
    items: [{ key: {{ $secret.from.key | quote }}, path: {{ $secret.file }} }]
{{- end }}
{{- end }}
{{- if .Values.toolModules.files }}
- mountPath: /etc/nexus-mcp/tools
  name: tools
  configMap: { name: {{ include "nexus-mcp.modulesName" . | quote }} }
{{- end }}
{{- range .Values.toolModules.configMaps }}
- mountPath: /etc/nexus-mcp/tools-{{ .name }}
  name: {{ printf "tools-%s" .name | trunc 63 | trimSuffix "-" }}
  configMap: { name: {{ .name | quote }} }
{{- end }}
{{- if include "nexus-mcp.usesApi" . }}
- mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  name: kubernetes-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: { path: token, expirationSeconds: 3607 }
      - configMap: { name: kube-root-ca.crt, items: [{ key: ca.crt, path: ca.crt }] }
      - downwardAPI: { items: [{ path: namespace, fieldRef: { fieldPath: metadata.namespace } }] }
{{- end }}
{{- end }}

{{- define "nexus-mcp.volumes" -}}
{{- $volumes := list }}
{{- range include "nexus-mcp.mounted" . | fromYamlArray }}
{{- $volumes = append $volumes (omit . "mountPath") }}
{{- end }}
{{- include "nexus-mcp.unique" (dict "key" "name" "lists" (list $volumes .Values.extraVolumes)) }}
{{- end }}

{{- define "nexus-mcp.mounts" -}}
{{- $mounts := list }}
{{- range include "nexus-mcp.mounted" . | fromYamlArray }}
{{- $mounts = append $mounts (merge (pick . "name" "mountPath") (ternary dict (dict "readOnly" true) (eq .name "tmp"))) }}
{{- end }}
{{- include "nexus-mcp.unique" (dict "key" "mountPath" "lists" (list $mounts .Values.extraVolumeMounts)) }}
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
