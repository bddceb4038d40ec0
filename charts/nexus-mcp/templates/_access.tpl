{{/* Where the tools may use the Kubernetes API; one empty name for all namespaces. */}}
{{- define "nexus-mcp.accessNamespaces" -}}
{{- $rbac := .Values.rbac }}
{{- ternary (list "") (default (list .Release.Namespace) $rbac.namespaces) $rbac.clusterWide | toJson }}
{{- end }}

{{/* What they may do there. */}}
{{- define "nexus-mcp.accessRules" -}}
{{- if eq .Values.rbac.profile "custom" }}
{{- toYaml .Values.rbac.rules }}
{{- else -}}
- apiGroups: ['']
  resources: [pods, pods/log, services, endpoints, events, configmaps, persistentvolumeclaims, replicationcontrollers]
  verbs: [get, list, watch]
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets, replicasets]
  verbs: [get, list, watch]
- apiGroups: [batch]
  resources: [jobs, cronjobs]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [get, list, watch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch]
{{- end }}
{{- end }}

{{/* Where Services are looked for that are upstreams; empty unless they are. */}}
{{- define "nexus-mcp.discoveryNamespaces" -}}
{{- $discovery := (include "nexus-mcp.settings" . | fromYaml).discovery }}
{{- ternary (default (list .Release.Namespace) $discovery.namespaces) list $discovery.enabled | uniq | toJson }}
{{- end }}

{{/* Whether the server asks the Kubernetes API as its account: its tools, or it for upstreams. */}}
{{- define "nexus-mcp.usesApi" -}}
{{- if or (ne .Values.rbac.profile "none") (include "nexus-mcp.discovers" .) }}true{{ end }}
{{- end }}

{{- define "nexus-mcp.discovers" -}}
{{- $discovery := (include "nexus-mcp.settings" . | fromYaml).discovery }}
{{- if and $discovery.enabled (not $discovery.kubeconfig) }}true{{ end }}
{{- end }}

{{/* Where clients of OAuth look for the authorization server (RFC 9728), if the path that is reached from outside is not above it. */}}
{{- define "nexus-mcp.metadataPath" -}}
{{- if and (dig "auth" "issuers" list .context.Values.config) (ne .path "/") -}}
/.well-known/oauth-protected-resource
{{- end }}
{{- end }}
