{{/* The pod that probes the server as a client would. Takes context, and whether it asks about access too. */}}
{{- define "nexus-mcp.probePod" -}}
{{- $root := .context }}
{{- $settings := include "nexus-mcp.settings" $root | fromYaml }}
{{- $probe := $root.Values.probe }}
{{- $token := ternary $probe.tokenSecret $root.Values.auth.tokenSecret (ne $probe.tokenSecret.name "") -}}
{{- $access := and .access (ne $root.Values.rbac.profile "none") -}}
restartPolicy: Never
{{- if $access }}
serviceAccountName: {{ include "nexus-mcp.serviceAccount" $root | quote }}
{{- end }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: probe
    image: {{ include "nexus-mcp.image" $root | quote }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    {{- with $root.Values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    args:
      - probe
      - http://{{ include "nexus-mcp.fullname" $root }}.{{ $root.Release.Namespace }}.svc:{{ int $root.Values.service.port }}
      {{- if include "nexus-mcp.exposesMetrics" $root }}
      - --metrics-url
      - http://{{ include "nexus-mcp.metricsService" $root }}.{{ $root.Release.Namespace }}.svc:{{ int $settings.ops.port }}/metrics
      {{- else }}
      - --no-metrics
      - --ready-url
      - http://{{ include "nexus-mcp.metricsService" $root }}.{{ $root.Release.Namespace }}.svc:{{ int $settings.ops.port }}/readyz
      {{- end }}
      {{- with $probe.tool }}
      - --tool
      - {{ . | quote }}
      {{- end }}
      {{- with $probe.arguments }}
      - --arguments
      - {{ toJson . | quote }}
      {{- end }}
      {{- if $access }}
      - --access
      - {{ include "nexus-mcp.accessQuestions" $root | quote }}
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
    {{- if $access }}
    volumeMounts:
      - {{ include "nexus-mcp.tokenMount" $root | indent 8 | trim }}
volumes:
  - {{ include "nexus-mcp.tokenVolume" $root | indent 4 | trim }}
    {{- end }}
{{- end }}
