import { z } from 'zod';
import { flag, host, list, object, path, peers, port, portOrNone, text, textMap } from './fragments.ts';

/** How clients reach it. */
export const exposure = {
  service: z
    .strictObject({
      type: z
        .enum(['ClusterIP', 'NodePort', 'LoadBalancer'])
        .default('ClusterIP')
        .describe('Type of the Service'),
      port: port.default(9999).describe('Port of MCP and REST'),
      nodePort: portOrNone.default(0).describe('Port on the nodes; 0 for any'),
      annotations: textMap.default({}).describe('Annotations'),
      labels: textMap.default({}).describe('Labels'),
      clusterIP: text.default('').describe('Cluster IP'),
      loadBalancerClass: text.default('').describe('Class of load balancer'),
      loadBalancerSourceRanges: z.array(text).default([]).describe('Clients it lets in, as CIDR'),
      externalTrafficPolicy: z
        .enum(['', 'Cluster', 'Local'])
        .default('')
        .describe('External traffic policy; Local keeps the addresses of clients'),
      ipFamilyPolicy: z
        .enum(['', 'SingleStack', 'PreferDualStack', 'RequireDualStack'])
        .default('')
        .describe('IP family policy, such as PreferDualStack'),
      ipFamilies: z
        .array(z.enum(['IPv4', 'IPv6']))
        .default([])
        .describe('IP families, in order'),
      sessionAffinity: z
        .enum(['', 'ClientIP', 'None'])
        .default('')
        .describe(
          'Session affinity; needed only without a key (stateKeySecret). ClientIP keeps 2025-era clients with the pod that has their session. If empty: None with a key, ClientIP without a key, and None with type LoadBalancer, because some clouds refuse ClientIP there',
        ),
      appProtocol: text.default('').describe('Application protocol of the port, for gateways that use it'),
    })
    .prefault({})
    .describe('The Service. Probes and metrics are never on it: they have a headless Service of their own'),
  ingress: z
    .strictObject({
      enabled: flag.default(false).describe('Whether to create one'),
      className: text.default('').describe('Ingress class'),
      controller: z
        .enum(['', 'nginx', 'haproxy', 'alb'])
        .default('')
        .describe(
          'Adds the annotations that streams need with this controller: no buffering, long timeouts; without a key (stateKeySecret) also affinity by client address, with alb by a cookie. For others set annotations',
        ),
      annotations: textMap.default({}).describe('Annotations; they override those of controller'),
      labels: textMap.default({}).describe('Labels'),
      hosts: z
        .array(host)
        .default([])
        .describe(
          'Host names in lower case, without scheme and port; the server answers to them without config.server.allowedHosts',
        ),
      path: path
        .default('/')
        .describe(
          'Path. With /mcp, clients reach nothing but /mcp, and the metadata of OAuth if config.auth.issuers is set. REST and /servers need /',
        ),
      pathType: z.enum(['Prefix', 'Exact', 'ImplementationSpecific']).default('Prefix').describe('Path type'),
      tls: z
        .array(z.strictObject({ secretName: text.optional(), hosts: z.array(host).min(1) }))
        .default([])
        .describe('Certificates: [{secretName, hosts}]'),
    })
    .prefault({})
    .describe('An Ingress'),
  httpRoute: z
    .strictObject({
      enabled: flag.default(false).describe('Whether to create one'),
      annotations: textMap.default({}).describe('Annotations'),
      labels: textMap.default({}).describe('Labels'),
      parentRefs: list.default([]).describe('Gateways: [{name, namespace?, sectionName?}]'),
      hostnames: z
        .array(host)
        .default([])
        .describe(
          'Host names in lower case, without scheme and port; the server answers to them without config.server.allowedHosts',
        ),
      path: path.default('/').describe('Path prefix; see ingress.path'),
      filters: list.default([]).describe('Filters'),
      timeouts: object
        .default({ request: '0s' })
        .describe('Timeouts; by default none, because streams stay open'),
      sessionPersistence: object
        .default({})
        .describe(
          'Session persistence. The CRDs must be of the experimental channel. It is not needed with a key (stateKeySecret), and most MCP clients keep no cookies',
        ),
      additionalRules: list.default([]).describe('Further rules'),
    })
    .prefault({})
    .describe('An HTTPRoute of the Gateway API'),
  networkPolicy: z
    .strictObject({
      enabled: flag.default(false).describe('Whether to create one'),
      clients: peers
        .default([])
        .describe('Peers that may call the tools (NetworkPolicyPeer); empty for everyone'),
      prometheus: peers
        .default([{ namespaceSelector: {} }])
        .describe(
          'Peers that may scrape; by default every pod of the cluster. A Prometheus with hostNetwork has the address of its node and no pod labels: name the addresses of the nodes, [{ipBlock: {cidr: 10.0.0.0/16}}]',
        ),
      extraIngress: list.default([]).describe('Further ingress rules'),
      egress: z
        .enum(['public', 'none', 'any'])
        .default('public')
        .describe(
          'What tools may reach: public (the public internet), none, or any. DNS is allowed at any address, NodeLocal DNS included',
        ),
      upstreams: peers
        .default([])
        .describe(
          'Peers that are upstreams found in the cluster (config.discovery); empty for all pods of the namespaces that are searched',
        ),
      kubernetesApi: peers
        .default([])
        .describe(
          'Peers that are the Kubernetes API, for tools that may use it (rbac.profile) and for config.discovery, such as [{ipBlock: {cidr: 10.0.0.10/32}}]; empty for any address at ports 443 and 6443; required with egress none',
        ),
      extraEgress: list.default([]).describe('Further egress rules, such as to a database of your tools'),
    })
    .prefault({})
    .describe(
      'A NetworkPolicy. It lets pods of the release reach one another at the port metrics if config.sessions.peers is set, by you or by the chart',
    ),
};
