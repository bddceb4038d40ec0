import { describe, expect, it } from 'vitest';
import { OTHER_NAMES } from '../../charts/source/other-names.ts';
import { complaints, template, type Values } from './helm.ts';
import { merged } from './merged.ts';

/** Values that are wrong, and the one line that says so. */
type Mistake = readonly [what: string, values: Values, says: RegExp];

const BY_THE_SCHEMA: readonly Mistake[] = [
  ['a misspelt value', { replica: 2 }, /additional properties 'replica' not allowed/],
  ['a misspelt value further down', { service: { prot: 1 } }, /'\/service'.*'prot' not allowed/],
  ['a negative number of replicas', { replicas: -1 }, /'\/replicas'.*minimum/],
  [
    'a text for a switch',
    { ingress: { enabled: 'please' } },
    /'\/ingress\/enabled'.*got string, want boolean/,
  ],
  ['an unknown type of Service', { service: { type: 'External' } }, /'\/service\/type'.*must be one of/],
  ['a port beyond the last', { service: { port: 70_000 } }, /'\/service\/port'.*maximum/],
  ['a third state', { monitoring: { rules: { enabled: 'maybe' } } }, /'\/monitoring\/rules\/enabled'/],
  [
    'an unknown reason',
    { monitoring: { rules: { badReasons: ['bad'] } } },
    /'\/monitoring\/rules\/badReasons\/0'/,
  ],
  [
    'a latency of no time',
    { monitoring: { rules: { latencySeconds: 0 } } },
    /'\/monitoring\/rules\/latencySeconds'/,
  ],
  ['an unknown alert', { alerts: { NexusMCPDwon: { enabled: false } } }, /'NexusMCPDwon' not allowed/],
  [
    'a threshold no call can exceed',
    { alerts: { NexusMCPOutage: { threshold: 1.5 } } },
    /'\/alerts\/NexusMCPOutage\/threshold'/,
  ],
  [
    'a threshold of an alert without',
    { alerts: { NexusMCPDown: { threshold: 1 } } },
    /'threshold' not allowed/,
  ],
  [
    'one severity for a page and its ticket',
    { alerts: { NexusMCPErrorBudgetBurn: { severity: 'info' } } },
    /'severity' not allowed/,
  ],
  [
    'a bucket of slow tools among those that are always there',
    { config: { metrics: { durationBuckets: [7.5] } } },
    /'\/config\/metrics\/durationBuckets\/0'/,
  ],
  ['a setting that the server does not have', { config: { sever: {} } }, /'\/config'.*'sever' not allowed/],
  ['a setting of the wrong type', { config: { limits: { queue: 'long' } } }, /'\/config\/limits\/queue'/],
  [
    'a deadline of no time',
    { config: { limits: { toolTimeoutSeconds: 0 } } },
    /'\/config\/limits\/toolTimeoutSeconds'/,
  ],
  [
    'labels without matchLabels, which would let every pod in',
    { networkPolicy: { enabled: true, clients: [{ podSelector: { app: 'agent' } }] } },
    /'\/networkPolicy\/clients\/0\/podSelector'.*'app' not allowed/,
  ],
  ['a collector that is no URL', { config: { tracing: { endpoint: 5 } } }, /'\/config\/tracing\/endpoint'/],
  ['an unknown sampler', { tracing: { sampler: 'jaeger_remote' } }, /'\/tracing\/sampler'.*must be one of/],
  ['more than all traces', { tracing: { ratio: 2 } }, /'\/tracing\/ratio'.*maximum/],
];

/** Texts: Helm would only say that they do not match, and Helm 3 not even which. */
const BY_WHAT_IS_EXPECTED: readonly Mistake[] = [
  [
    'a digest without its algorithm',
    { image: { digest: 'abc' } },
    /image\.digest: "abc" must be sha256: and 64 hexadecimal digits/,
  ],
  [
    'an amount of memory in words',
    { resources: { limits: { memory: 'much' } } },
    /resources\.limits\.memory: "much" must be an amount as Kubernetes writes it/,
  ],
  [
    'an interval that is none',
    { monitoring: { monitor: { interval: '30' } } },
    /monitoring\.monitor\.interval: "30" must be a duration with its unit, such as 30s/,
  ],
  [
    'a time of one alert that is none',
    { alerts: { NexusMCPDown: { for: 'soon' } } },
    /alerts\.NexusMCPDown\.for: "soon" must be a duration with its unit, such as 30s, 5m or 1h30m$/,
  ],
  [
    'a time of an alert without its unit',
    { alerts: { NexusMCPOverloaded: { for: 15 } } },
    /alerts\.NexusMCPOverloaded\.for: 15 must be a duration with its unit, such as 30s/,
  ],
  [
    'a time of no length without its unit',
    { alerts: { NexusMCPTargetDown: { keepFiringFor: 0 } } },
    /alerts\.NexusMCPTargetDown\.keepFiringFor: 0 must be a duration with its unit/,
  ],
  [
    'a time a scrape may take, in seconds and without saying so',
    { monitoring: { monitor: { scrapeTimeout: 2.5 } } },
    /monitoring\.monitor\.scrapeTimeout: 2\.5 must be a duration with its unit/,
  ],
  [
    'a tool module that is no module',
    { toolModules: { files: { 'notes.txt': '' } } },
    /toolModules\.files\.notes\.txt: "notes\.txt" must be a file name that ends in \.ts/,
  ],
  [
    'a host with its scheme',
    { ingress: { hosts: ['https://mcp.example.com'] } },
    /ingress\.hosts\.0: "https:\/\/mcp\.example\.com" must be a host name in lower case, without scheme/,
  ],
  [
    'a host of a gateway with its port',
    { httpRoute: { hostnames: ['mcp.example.com:443'] } },
    /httpRoute\.hostnames\.0: "mcp\.example\.com:443" must be a host name/,
  ],
  ['a path that begins nowhere', { ingress: { path: 'mcp' } }, /ingress\.path: "mcp" must begin with \//],
  [
    'a share that is none',
    { podDisruptionBudget: { minAvailable: 'half' } },
    /podDisruptionBudget\.minAvailable: "half" must be a number or a share, as 1 or 25%/,
  ],
  [
    'a Secret by a name that no Secret can have',
    { stateKeySecret: { name: 'My_Secret' } },
    /stateKeySecret\.name: "My_Secret" must be a name as Kubernetes has them: lower-case letters, digits, - and \./,
  ],
  [
    'a key of a ConfigMap that is no module',
    { toolModules: { configMaps: [{ name: 'team', files: ['x.py'] }] } },
    /toolModules\.configMaps\.0\.files\.0: "x\.py" must be a file name that ends in \.ts/,
  ],
  [
    'a ConfigMap by a name that none can have',
    { toolModules: { configMaps: [{ name: 'Team', files: ['x.ts'] }] } },
    /toolModules\.configMaps\.\d\.name: "Team" must be a name as Kubernetes has them/,
  ],
  [
    'an attribute that breaks the list of them',
    { tracing: { resourceAttributes: { 'team=a,b': 'c' } } },
    /tracing\.resourceAttributes\.team=a,b: "team=a,b" must be letters/,
  ],
  [
    'an upstream by a name that labels of metrics do not have',
    { config: { ops: { port: 9998 }, upstreams: [{ name: 'A_', url: 'http://weather.tools.svc/mcp' }] } },
    /config\.upstreams\.0\.name: "A_" must be lower-case letters, digits and -/,
  ],
  [
    'a text for a number',
    { monitoring: { rules: { latencySeconds: 'fast' } } },
    /monitoring\.rules\.latencySeconds: "fast" must be a number\. --set makes a text of a fraction: give it in a values file, or by --set-json$/,
  ],
  [
    'a Grafana without its scheme',
    { monitoring: { dashboards: { grafanaUrl: 'grafana.example.com' } } },
    /monitoring\.dashboards\.grafanaUrl: "grafana\.example\.com" must be a URL that begins with http:\/\/ or https:\/\/, as https:\/\/grafana\.example\.com$/,
  ],
  [
    'runbooks at no URL',
    { monitoring: { rules: { runbookUrl: 'foo' } } },
    /monitoring\.rules\.runbookUrl: "foo" must be a URL that begins with http/,
  ],
  [
    'a Prometheus without its scheme',
    { keda: { enabled: true, serverAddress: 'prometheus:9090' } },
    /keda\.serverAddress: "prometheus:9090" must be a URL that begins with http/,
  ],
  [
    'a set of dashboards that could name no file',
    { monitoring: { dashboards: { set: 'a/b' } } },
    /monitoring\.dashboards\.set: "a\/b" must be lower-case letters/,
  ],
];

const BY_THE_TEMPLATES: readonly Mistake[] = [
  ['two listeners on one port', { config: { ops: { port: 9999 } } }, /config\.ops\.port: must differ/],
  [
    'a server on loopback',
    { config: { server: { host: '127.0.0.1' } } },
    /nothing outside the pod reaches 127\.0\.0\.1/,
  ],
  [
    'a host that clients may use, with its scheme',
    { config: { server: { allowedHosts: ['https://mcp.example.com'] } } },
    /config\.server\.allowedHosts\.\d: https:\/\/mcp\.example\.com is not the name of a host, without scheme, port and path$/,
  ],
  [
    'a token in the values',
    { config: { auth: { token: 'a-token-in-the-open' } } },
    /config\.auth\.token: would put a secret/,
  ],
  [
    'an audit file on a volume that is mounted for reading',
    {
      config: { audit: { enabled: true, file: '/logs/audit.jsonl' } },
      extraVolumeMounts: [{ name: 'logs', mountPath: '/logs', readOnly: true }],
    },
    /config\.audit\.file: \/logs\/audit\.jsonl is on no volume of extraVolumeMounts that can be written to/,
  ],
  [
    'two places for tokens',
    { auth: { tokensSecret: { name: 'a' }, tokenSecret: { name: 'b' } } },
    /set one of the two/,
  ],
  [
    'a variable that the chart owns',
    { extraEnv: [{ name: 'NEXUS_OPS_PORT', value: '1' }] },
    /NEXUS_OPS_PORT would win over/,
  ],
  [
    'a variable that the checks do not see',
    { extraEnv: [{ name: 'NEXUS_LIMITS_TOOL_TIMEOUT_SECONDS', value: '600' }] },
    /extraEnv: NEXUS_LIMITS_TOOL_TIMEOUT_SECONDS would win over config/,
  ],
  [
    'another configuration file',
    { extraEnv: [{ name: 'NEXUS_CONFIG', value: '/data/nexus.yaml' }] },
    /extraEnv: NEXUS_CONFIG would win over config/,
  ],
  [
    'no room for a heap',
    { resources: { limits: { memory: '256Mi' } } },
    /resources\.limits\.memory: 256Mi leaves -64 MB/,
  ],
  [
    'a stop that is shorter than a tool may take, with what to set it and the grace period to',
    {
      terminationGracePeriodSeconds: 20,
      config: { tools: { settings: { add: { timeoutSeconds: 60 } } } },
    },
    /config\.shutdown\.deadlineSeconds to 65 or more \(it is 25\) and terminationGracePeriodSeconds to 75 or more \(it is 20\)\. .*delaySeconds \(0 s\).*queueWaitSeconds \(5 s\).*\(60 s\).*preStopSleepSeconds \(5 s\).*\(65 s\), and 5 s to spare$/,
  ],
  [
    'a registry with a scheme',
    { image: { registry: 'https://registry.example.com' } },
    /image\.registry: https:\/\/registry\.example\.com is a URL; leave out its scheme/,
  ],
  [
    'a claim that the pod does not make',
    { resources: { claims: [{ name: 'gpu' }] } },
    /resources\.claims: gpu is the name of none of resourceClaims/,
  ],
  ...Object.entries(OTHER_NAMES).map(([name, own]): Mistake => [
    `${name}, as other charts have it,`,
    name.split('.').reduceRight<unknown>((inside, step) => ({ [step]: inside }), { enabled: true }) as Values,
    new RegExp(`${name}: this chart has no such value; use ${own}$`),
  ]),
  [
    'an objective that no burn can miss',
    { monitoring: { rules: { availabilityObjective: 0.999 } } },
    /rules\.availabilityObjective: 0\.999 must be a share in percent, above 93\.06 and below 100, as 99\.5$/,
  ],
  [
    'an objective of everything',
    { monitoring: { rules: { latencyObjective: 100 } } },
    /rules\.latencyObjective: 100 must be a share in percent/,
  ],
  [
    'a time of an alert, as the parameters of the rules have it',
    { alerts: { NexusMCPCallsStuck: { forSeconds: 3600 } } },
    /alerts\.NexusMCPCallsStuck\.forSeconds: this chart has no such value; use alerts\.NexusMCPCallsStuck\.for, with a unit, as 15m$/,
  ],
  [
    'a time of an alert with a threshold, as the parameters of the rules have it',
    { alerts: { NexusMCPOverloaded: { keepFiringForSeconds: 60 } } },
    /alerts\.NexusMCPOverloaded\.keepFiringForSeconds: this chart has no such value; use alerts\.NexusMCPOverloaded\.keepFiringFor,/,
  ],
  [
    'a certificate for a host that the Ingress does not have',
    {
      ingress: { enabled: true, tls: [{ hosts: ['b.example.com'] }] },
    },
    /ingress\.tls: b\.example\.com is no host of the Ingress/,
  ],
  [
    'connections that the server closes before the load balancer does',
    {
      ingress: { enabled: true, controller: 'alb' },
      config: { server: { keepAliveTimeoutSeconds: 75 } },
    },
    /keepAliveTimeoutSeconds: 75 s is no longer than the load balancer.*set at least 3605/,
  ],
  ['an Ingress for no host', { ingress: { enabled: true } }, /ingress\.hosts: name at least one/],
  [
    'a route without a gateway',
    { httpRoute: { enabled: true, hostnames: ['a.example.com'] } },
    /httpRoute\.parentRefs: name at least one/,
  ],
  [
    'a node port without nodes',
    { service: { nodePort: 30_000 } },
    /service\.nodePort: a ClusterIP Service has none/,
  ],
  [
    'a share of a request that is not set',
    { autoscaling: { enabled: true }, resources: { requests: null } },
    /autoscaling\.cpuUtilization: is a share of/,
  ],
  [
    'two autoscalers',
    { autoscaling: { enabled: true }, keda: { enabled: true } },
    /both would scale the Deployment/,
  ],
  [
    'more at least than at most',
    { autoscaling: { enabled: true, minReplicas: 11 } },
    /autoscaling\.minReplicas: must not exceed/,
  ],
  ['KEDA without Prometheus', { keda: { enabled: true } }, /keda\.serverAddress: name the Prometheus/],
  [
    'two disruption budgets',
    { podDisruptionBudget: { minAvailable: 1, maxUnavailable: 1 } },
    /podDisruptionBudget.*set one of the two/,
  ],
  [
    'a scrape longer than its interval',
    { monitoring: { monitor: { interval: '1m', scrapeTimeout: '90s' } } },
    /scrapeTimeout: 90s exceeds the interval, 1m/,
  ],
  [
    'a limit that one tool can exceed as operations are broken down',
    {
      monitoring: { monitor: { sampleLimit: 20_000 } },
      config: { metrics: { operationAttributes: ['mcp.protocol.version', 'network.transport'] } },
    },
    /sampleLimit: 20000 is too low: with one tool a scrape can have \d{5} samples/,
  ],
  [
    'a latency that is no bucket',
    { monitoring: { rules: { latencySeconds: 45 } } },
    /rules\.latencySeconds: 45 s must be a bucket of mcp_tool_duration_seconds below the highest.* 7\.5, 10, 30; there are others where .*config\.metrics\.durationBuckets names them/,
  ],
  [
    'a latency beyond the highest bucket',
    { alerts: { tools: { add: { latencySeconds: 60 } } } },
    /alerts\.tools\.add\.latencySeconds: 60 s must be below 60 s, the highest bucket .*durationBuckets/,
  ],
  [
    'a latency beyond the highest bucket, of all tools',
    { alerts: { NexusMCPToolLatencyHigh: { threshold: 300 } } },
    /alerts\.NexusMCPToolLatencyHigh\.threshold: 300 s must be below 60 s/,
  ],
  [
    'rules about another job',
    { monitoring: { monitor: { jobLabel: 'app' } } },
    /rules\.selector: state which job/,
  ],
  [
    'rules about targets that are relabeled',
    { monitoring: { monitor: { relabelings: [{ targetLabel: 'job', replacement: 'tools' }] } } },
    /rules\.selector: state which targets the rules are about, because monitor\.relabelings changes job$/,
  ],
  ...['NexusMCPErrorBudgetBurn', 'NexusMCPLatencyBudgetBurn', 'NexusMCPErrorBudgetExhausted'].map(
    (alert): Mistake => [
      `${alert} without the records that it reads, and nobody to tell`,
      {
        monitoring: { rules: { recordingRules: false } },
        alerts: { NexusMCPRecordsMissing: { enabled: false } },
      },
      new RegExp(
        `rules\\.recordingRules: alerts\\.${alert} reads what they record; .* let alerts\\.NexusMCPRecordsMissing tell`,
      ),
    ],
  ),
  [
    'a severity as a label of an alert',
    { alerts: { NexusMCPDown: { labels: { severity: 'info' } } } },
    /alerts\.NexusMCPDown\.labels\.severity: is a value of its own; use alerts\.NexusMCPDown\.severity$/,
  ],
  [
    'a severity as a label of an alert that has two',
    { alerts: { NexusMCPErrorBudgetBurn: { labels: { severity: 'info' } } } },
    /labels\.severity: is a value of its own; use .*, which an alert of two severities does not have$/,
  ],
  [
    'a severity as a label of all alerts',
    { monitoring: { rules: { labels: { severity: 'info' } } } },
    /monitoring\.rules\.labels\.severity: is a value of its own; use alerts\.NAME\.severity$/,
  ],
  ...['alertname', 'cluster', 'namespace', 'job', 'instance'].map((label): Mistake => [
    `the label ${label} of an alert, by which it is routed`,
    { alerts: { NexusMCPDown: { labels: { [label]: 'mine' } } } },
    new RegExp(
      `alerts\\.NexusMCPDown\\.labels\\.${label}: alerts are routed, grouped and inhibited by this label`,
    ),
  ]),
  [
    'labels of a Service for a PodMonitor',
    { monitoring: { monitor: { kind: 'PodMonitor', spec: { targetLabels: ['team'] } } } },
    /spec\.targetLabels: a PodMonitor has no Service/,
  ],
  [
    'an interval that the rules do not know of',
    { monitoring: { monitor: { endpoint: { interval: '5m' } } } },
    /monitor\.endpoint\.interval: the chart writes it; set monitoring\.monitor\.interval$/,
  ],
  [
    'a monitor that selects something else',
    { monitoring: { monitor: { spec: { selector: {} } } } },
    /monitor\.spec\.selector: the chart writes it$/,
  ],
  [
    'a GrafanaDashboard for no Grafana',
    { monitoring: { dashboards: { grafanaOperator: { enabled: true } } } },
    /instanceSelector: say which Grafana/,
  ],
  ['arguments for no tool', { probe: { arguments: { a: 1 } } }, /probe\.arguments: say of which tool/],
  [
    "rules of one's own without the profile",
    { rbac: { rules: [{ verbs: ['get'] }] } },
    /rbac\.rules: the profile none ignores them/,
  ],
  [
    'a search for upstreams that nobody makes',
    { config: { discovery: { namespaces: ['tools'] } } },
    /config\.discovery: is not enabled, so namespaces has no effect; set config\.discovery\.enabled to true$/,
  ],
  ...Object.entries({
    clients: [{ podSelector: {} }],
    prometheus: [{ podSelector: {} }],
    egress: 'none',
    kubernetesApi: [{ ipBlock: { cidr: '10.0.0.10/32' } }],
  }).map(([name, value]): Mistake => [
    `a network policy that there is not, with ${name},`,
    { networkPolicy: { [name]: value } },
    new RegExp(`networkPolicy\\.${name}: there is no policy; set networkPolicy\\.enabled to true$`),
  ]),
  [
    'a share of traces that go nowhere',
    { tracing: { ratio: 0.1 } },
    /tracing\.ratio: nothing is traced; say where to in config\.tracing\.endpoint/,
  ],
];

/** Mistakes that contradict one of the above. */
const BY_THE_TEMPLATES_TOO: readonly Mistake[] = [
  ['no operations port', { config: { ops: { port: 0 } } }, /config\.ops\.port: must be a port/],
  ['a port that the server picks', { config: { server: { port: 0 } } }, /config\.server\.port: 0 would pick/],
  [
    'a Service with IPv6 before a server without',
    { service: { ipFamilies: ['IPv6', 'IPv4'] } },
    /config\.server\.host, config\.ops\.host: 0\.0\.0\.0 hears no IPv6/,
  ],
  [
    'a route without hosts, to whose clients the server would not answer',
    { httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] } },
    /httpRoute\.hostnames: name the hosts/,
  ],
  [
    'a network policy that keeps a load balancer from seeing whether pods are ready',
    {
      ingress: { enabled: true, controller: 'alb', hosts: ['a.example.com'] },
      networkPolicy: { enabled: true },
    },
    /networkPolicy\.extraIngress: let the subnets/,
  ],
  [
    'no way out, and an access profile without the place of the Kubernetes API',
    { networkPolicy: { enabled: true, egress: 'none' }, rbac: { profile: 'readonly' } },
    /networkPolicy\.kubernetesApi: say where the Kubernetes API is/,
  ],
  [
    'an autoscaler without a measure',
    { autoscaling: { enabled: true, cpuUtilization: 0 } },
    /autoscaling: has nothing to scale by/,
  ],
  [
    'a canary without the token it needs',
    { canary: { enabled: true }, auth: { tokensSecret: { name: 'tokens' } } },
    /probe\.tokenSecret: the canary needs a token/,
  ],
  [
    'a monitor of no metrics',
    { config: { metrics: { enabled: false } }, monitoring: { monitor: { enabled: true } } },
    /monitor\.enabled: there are no metrics/,
  ],
  [
    'an endpoint of traces alone',
    { config: { tracing: { endpoint: 'http://c:4318/v1/traces' } } },
    /config\.tracing\.endpoint: leave out \/v1\/traces/,
  ],
  [
    'buckets of slow tools in no order',
    { config: { metrics: { durationBuckets: [60, 30] } } },
    /config\.metrics\.durationBuckets: must be in ascending order, each once; 30 comes after 60/,
  ],
  [
    'a share for a sampler that takes none',
    { tracing: { sampler: 'always_on', ratio: 0.5 } },
    /tracing\.ratio: the sampler always_on does not look at it/,
  ],
  [
    'a collector that the network policy does not know',
    { extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', value: 'http://d' }] },
    /extraEnv: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT would win over config\.tracing\.endpoint/,
  ],
];

describe.each([
  { by: 'the schema', mistakes: BY_THE_SCHEMA },
  { by: 'what is expected of texts', mistakes: BY_WHAT_IS_EXPECTED },
  { by: 'the templates', mistakes: BY_THE_TEMPLATES },
  { by: 'the templates too', mistakes: BY_THE_TEMPLATES_TOO },
])('of mistakes that are all made at once, and seen by $by,', ({ mistakes }) => {
  const values = merged(mistakes.map(([, wrong]) => wrong));

  it.each(mistakes)('%s is refused', async (_what, _values, says) => {
    expect(await complaints({ values })).toContainEqual(expect.stringMatching(says));
  });

  it('each is refused in one line, by Helm 3 too', async () => {
    const lines = await complaints({ values });
    expect(lines).toHaveLength(mistakes.length);
    const older = await complaints({ values, helm: 'helm3' });
    expect(older).toHaveLength(mistakes.length);
    for (const line of lines) {
      // Helm 3 has words of its own for what the schema sees, and writes paths with dots.
      const path = /at '\/?(?<path>.*?)'/.exec(line)?.groups?.['path'];
      expect(older).toContainEqual(expect.stringContaining(path?.replaceAll('/', '.') ?? line));
    }
  });
});

it.each<Mistake>([
  [
    "a template of Alertmanager's among Helm's",
    { extraObjects: [{ kind: 'AlertmanagerConfig', spec: { text: 'of {{ .CommonLabels.job }}' } }] },
    /extraObjects: \{\{ \.CommonLabels\.job \}\} is no template of Helm's; move the object to extraObjectsAsIs/,
  ],
  [
    'a registry with a slash at its end',
    { image: { registry: 'registry.example.com/' } },
    /image\.registry: leave out the slash at the end of registry\.example\.com\//,
  ],
  [
    'a repository with a tag',
    { image: { repository: 'foo/bar:1' } },
    /image\.repository: foo\/bar:1 has a tag or digest; put them into image\.tag and image\.digest/,
  ],
  [
    'a tag with a digest',
    { image: { tag: 'latest@sha256:abc' } },
    /image\.tag: latest@sha256:abc has a digest; put it into image\.digest/,
  ],
  [
    'an upstream without its scheme, whose URL is not shown',
    { config: { upstreams: [{ name: 'a', url: 'me:secret@weather.tools.svc/mcp' }] } },
    /config\.upstreams\.\d\.url: must be an http or https URL, such as http:\/\/weather\.tools\.svc:8000\/mcp\n/,
  ],
  [
    'two upstreams of one name',
    {
      config: {
        upstreams: [
          { name: 'weather', url: 'http://a.tools.svc/mcp' },
          { name: 'weather', url: 'http://b.tools.svc/mcp' },
        ],
      },
    },
    /config\.upstreams: weather is the name of more than one; rename one of them/,
  ],
  [
    'issuers without a resource',
    { config: { auth: { issuers: [{ issuer: 'https://a.example.com' }] } } },
    /config\.auth\.resource: config\.auth\.issuers needs the URL of \/mcp as clients write it/,
  ],
  [
    'an issuer without TLS',
    {
      config: {
        auth: { resource: 'https://b.example.com/mcp', issuers: [{ issuer: 'http://a.example.com' }] },
      },
    },
    /config\.auth\.issuers: http:\/\/a\.example\.com must be an https URL/,
  ],
  [
    'an amount of memory without its unit',
    { resources: { limits: { memory: 512 } } },
    /resources\.limits\.memory: 512 is 512 bytes; write it in Mi or Gi/,
  ],
  [
    'an amount of memory in thousandths',
    { resources: { limits: { memory: '300m' } } },
    /resources\.limits\.memory: 300m cannot be read; write it in Mi or Gi/,
  ],
  [
    'a collector without a scheme',
    { config: { ops: { port: 9998 }, tracing: { endpoint: 'collector:4318' } } },
    /config\.tracing\.endpoint: must be a URL that begins with http:\/\/ or https:\/\/.*not collector:4318/,
  ],
  [
    'a collector at no port',
    { config: { tracing: { endpoint: 'http://c:70000' } } },
    /config\.tracing\.endpoint: the port must not exceed 65535/,
  ],
  [
    'credentials of a collector among the values',
    { config: { tracing: { endpoint: 'http://me:secret@c:4318' } } },
    /config\.tracing\.endpoint: must not hold credentials; tracing\.headersSecret names them/,
  ],
  [
    'an endpoint of traces alone, as a directory',
    { config: { tracing: { endpoint: 'http://c:4318/v1/traces/' } } },
    /config\.tracing\.endpoint: leave out \/v1\/traces/,
  ],
  [
    'a threshold that is unset',
    { alerts: { NexusMCPOutage: { threshold: null } } },
    /at '\/alerts\/NexusMCPOutage': missing property 'threshold'/,
  ],
])('%s is refused', async (_what, values, says) => {
  expect(await template({ values })).toEqual({ ok: false, error: expect.stringMatching(says) as string });
});

it.each<readonly [Values, number]>([
  [{ replicas: 2, podDisruptionBudget: { minAvailable: 2 } }, 2],
  [{ replicas: 2, podDisruptionBudget: { minAvailable: '2' } }, 2],
  [{ replicas: 3, podDisruptionBudget: { minAvailable: '100%' } }, 3],
  // Kubernetes rounds up.
  [{ replicas: 2, podDisruptionBudget: { minAvailable: '51%' } }, 2],
  [{ replicas: 9, autoscaling: { enabled: true }, podDisruptionBudget: { minAvailable: 2 } }, 2],
  [
    {
      keda: { enabled: true, minReplicas: 0, serverAddress: 'http://prometheus:9090' },
      podDisruptionBudget: { minAvailable: 1 },
    },
    1,
  ],
])('a budget that lets no pod be evicted is refused: %o', async (values, pods) => {
  expect(await complaints({ values })).toEqual([
    expect.stringMatching(
      new RegExp(
        `podDisruptionBudget\\.minAvailable: \\S+ lets none of ${pods} pods? be evicted, so draining a node never ends; `,
      ),
    ),
  ]);
});

it.each<readonly [Values, string]>([
  [
    { resources: { requests: { memory: '2Gi' } } },
    'resources.requests.memory: 2Gi exceeds resources.limits.memory, 1Gi',
  ],
  [
    { resources: { limits: { memory: 1_073_741_824 }, requests: { memory: '1073742k' } } },
    'resources.requests.memory: 1073742k exceeds resources.limits.memory, 1073741824',
  ],
  [
    { resources: { requests: { cpu: 1.5 }, limits: { cpu: '1200m' } } },
    'resources.requests.cpu: 1.5 exceeds resources.limits.cpu, 1200m',
  ],
  [
    { resources: { requests: { memory: '2e9' } } },
    'resources.requests.memory: 2e9 exceeds resources.limits.memory, 1Gi',
  ],
  [
    { probe: { resources: { requests: { memory: '512Mi' } } } },
    'probe.resources.requests.memory: 512Mi exceeds probe.resources.limits.memory, 256Mi',
  ],
])('a request above its limit is refused: %o', async (values, says) => {
  expect(await complaints({ values })).toEqual([`- ${says}; lower the request or raise the limit`]);
});

it.each<Values>([
  { resources: { requests: { memory: '1024Mi', cpu: '500m' }, limits: { cpu: 0.5 } } },
  { resources: { limits: null } },
  { resources: { requests: null } },
  { resources: null },
  { resources: { requests: { memory: '2Gi' }, limits: { memory: null } } },
  { probe: { resources: null } },
])('a request that its limit allows is taken: %o', async (values) => {
  expect(await template({ values })).toMatchObject({ ok: true });
});

it.each([0, '0', '0%'])('a budget of %j missing pods is refused', async (maxUnavailable) => {
  const refused = await complaints({ values: { replicas: 2, podDisruptionBudget: { maxUnavailable } } });
  expect(refused).toEqual([
    '- podDisruptionBudget.maxUnavailable: 0 lets no pod be evicted, so draining a node never ends; allow 1',
  ]);
});

it.each<Values>([
  { replicas: 1, podDisruptionBudget: { minAvailable: 1 } },
  { replicas: 2, podDisruptionBudget: { minAvailable: 1 } },
  { replicas: 2, podDisruptionBudget: { minAvailable: '50%' } },
  { replicas: 3, podDisruptionBudget: { maxUnavailable: '1%' } },
  { replicas: 2, podDisruptionBudget: { enabled: false, minAvailable: 2 } },
])('a budget that lets pods be evicted, or is not created, is taken: %o', async (values) => {
  expect(await template({ values })).toMatchObject({ ok: true });
});

it('a cluster without the Operator is refused where that is wanted', async () => {
  const lines = await complaints({ operator: false, values: { monitoring: { failIfMissing: true } } });
  expect(lines).toContainEqual(
    expect.stringMatching(/has no monitoring\.coreos\.com\/v1\/ServiceMonitor, so .*; install/),
  );
});

it('what looks like a mistake, and is none, is taken', async () => {
  const values: Values = {
    // The token may come from wherever, each pod has an address of its own, and the last is a variable of another's.
    extraEnv: [
      { name: 'NEXUS_AUTH_TOKEN', value: 'a-token-of-the-tests' },
      { name: 'NEXUS_SESSIONS_ADDRESS', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
      { name: 'NEXUS_TOKEN', value: 'x' },
    ],
    // A route needs no hosts where the server is told of them.
    httpRoute: { enabled: true, parentRefs: [{ name: 'public' }] },
    config: { server: { allowedHosts: ['mcp.example.com', '*.example.com', '*', '::1', '[2001:db8::1]'] } },
  };
  expect(await template({ operator: false, values })).toMatchObject({ ok: true });
});
