{{/* The pod that probes the server as a client would. */}}
{{- define "nexus-mcp.probePod" -}}
{{- $settings := include "nexus-mcp.settings" . | fromYaml }}
{{- $probe := .Values.probe }}
{{- $token := ternary $probe.tokenSecret .Values.auth.tokenSecret (ne $probe.tokenSecret.name "") -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "nexus-mcp.pullSecrets" . }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: probe
    image: {{ include "nexus-mcp.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    terminationMessagePolicy: FallbackToLogsOnError
    {{- with .Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if include "nexus-mcp.probeLacksToken" . }}
    {{- /* The probe would name its own flags, and not the value of the chart. */}}
    {{- $says := printf "The server needs a token, and this test has none. Name a Secret that has one%s in the value probe.tokenSecret.name of the chart (key %s)." (ternary " of auth.tokensSecret" "" (ne (include "nexus-mcp.staticToken" .) "")) $probe.tokenSecret.key }}
    command: {{ list "node" "-e" (printf "console.error(%s); process.exitCode = 1" (toJson $says)) | toJson }}
    {{- else }}
    args:
      - probe
      - http://{{ include "nexus-mcp.fullname" . }}.{{ .Release.Namespace }}.svc:{{ int .Values.service.port }}
      {{- if include "nexus-mcp.exposesMetrics" . }}
      - --metrics-url
      - http://{{ include "nexus-mcp.metricsService" . }}.{{ .Release.Namespace }}.svc:{{ int $settings.ops.port }}/metrics
      {{- else }}
      - --no-metrics
      - --ready-url
      - http://{{ include "nexus-mcp.metricsService" . }}.{{ .Release.Namespace }}.svc:{{ int $settings.ops.port }}/readyz
      {{- end }}
      {{- with $probe.tool }}
      - --tool
      - {{ . | quote }}
      {{- end }}
      {{- with $probe.arguments }}
      - --arguments
      - {{ toJson . | quote }}
      {{- end }}
    {{- end }}
    {{- if $token.name }}
    env:
      - name: NEXUS_PROBE_TOKEN
        valueFrom:
          secretKeyRef: { name: {{ $token.name | quote }}, key: {{ $token.key | quote }} }
    {{- end }}
    {{- with $probe.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
