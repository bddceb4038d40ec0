import { describe, expect, it } from 'vitest';
import { complaints, helm, template, type Values } from './helm.ts';

/** An API that every cluster has stands for that of Prometheus Operator. */
const withOperator = (values: Values, operator: boolean): Values => {
  const monitoring = operator ? { apiVersion: 'apps/v1' } : {};
  return { ...values, monitoring: { ...monitoring, ...(values['monitoring'] as object | undefined) } };
};

/** What `helm install` prints. */
async function notes(values: Values, operator: boolean): Promise<string> {
  const outcome = await helm('install', { values: withOperator(values, operator) }, ['--dry-run=client']);
  if (!outcome.ok) throw new Error(outcome.error);
  return outcome.text.slice(outcome.text.indexOf('\nNOTES:'));
}

/** What the notes warn of, each in one line. */
const warningsIn = (text: string): readonly string[] =>
  (/\nWARNINGS .*\n([^]*?)(?:\n\n|$)/.exec(text)?.[1] ?? '')
    .replaceAll(/\n {2}/g, ' ')
    .split('\n')
    .flatMap((line) => (line.startsWith('- ') ? [line.slice(2).trimEnd()] : []));
const warnings = async (values: Values, operator: boolean): Promise<string> =>
  warningsIn(await notes(values, operator)).join('\n');

describe('the notes after an installation', () => {
  it('say what was skipped, and how to have it', async () => {
    const text = await notes({}, false);
    expect(text).toContain('SKIPPED ServiceMonitor: see WARNINGS');
    expect(text).toContain('SKIPPED PrometheusRule: see WARNINGS');
    expect(text).toContain(
      'prometheus.io annotations instead, for a Prometheus without the Operator. A scrape job that goes by them, usually kubernetes-pods, must set the label job: alerts fire only for targets with job=~".*nexus-mcp.*" (alerts/nexus-mcp.rules.yaml). The chart\'s README has a job that fits, under: get alerts without Prometheus Operator\n',
    );
    const scraped = await notes({ monitoring: { rules: { enabled: true } } }, false);
    expect(scraped).toContain(
      'only for targets with job="nexus-mcp", namespace="tools" (monitoring.rules.selector). The chart',
    );
    const warned = warningsIn(text).join('\n');
    expect(warned).toMatch(
      /^monitoring\.rules\.enabled: the cluster has no monitoring\.coreos\.com\/v1\/PrometheusRule, so NOTHING WILL ALERT; install/m,
    );
    expect(warned).toMatch(/^monitoring\.monitor\.enabled: the cluster has no .*\/ServiceMonitor, so Prom/m);
    expect(warned).toContain('--api-versions monitoring.coreos.com/v1/ServiceMonitor');
  });

  it('show no upgrade by which other values would be lost', async () => {
    for (const operator of [true, false]) {
      const shown = await notes({ replicas: 2 }, operator);
      const sets = shown.split('\n').filter((line) => line.includes('--set '));
      expect(sets.length).toBeGreaterThanOrEqual(2);
      for (const line of sets)
        expect(line).toContain('helm upgrade nexus-mcp CHART -n tools --reset-then-reuse-values ');
    }
  });

  it('say how to see what Prometheus selects by, and what ours have', async () => {
    const text = await notes({}, true);
    expect(text).not.toContain('SKIPPED');
    expect(text).toContain('kubectl get prometheus -A');
    expect(text).toContain('{.spec.serviceMonitorSelector}');
    const upgrade =
      'add that label:\n    helm upgrade nexus-mcp CHART -n tools --reset-then-reuse-values --set monitoring.labels.release=';
    expect(text).toContain(upgrade);
    expect(text).not.toContain('They have');
    const labelled = await notes({ monitoring: { labels: { release: 'stack' } } }, true);
    expect(labelled).toContain('They have {"release":"stack"} (monitoring.labels). This shows');
    expect(labelled).toContain('kubectl get prometheus -A');
    expect(labelled).not.toContain(upgrade);
    expect(await notes({ monitoring: { monitor: { kind: 'PodMonitor' } } }, true)).toContain(
      '{.spec.podMonitorSelector}',
    );
  });

  it('say that alerts come late where scrapes are far apart', async () => {
    const at = (interval: string) => warnings({ monitoring: { monitor: { interval } } }, true);
    expect(await at('60s')).toContain(
      'monitoring.monitor.interval: 60s is too long: the alerts need 30s or less',
    );
    expect(await warnings({}, true)).not.toContain('interval');
    expect(await at('')).not.toContain('interval');
    const monitoring = { monitor: { interval: '60s' }, rules: { alertingRules: false } };
    expect(await warnings({ monitoring }, true)).not.toContain('interval');
  });

  it('say what was switched off by somebody', async () => {
    const off = { enabled: false };
    const text = await notes({ monitoring: { monitor: off, rules: off } }, true);
    expect(text).toContain('ServiceMonitor: switched off (monitoring.monitor.enabled)');
    expect(text).toContain('PrometheusRule: switched off (monitoring.rules.enabled)');
    expect(text).not.toContain('nstall Prometheus Operator');
    const one = await warnings({ monitoring: { monitor: off } }, false);
    expect(one).toContain('monitoring.rules.enabled');
    expect(one).not.toContain('monitoring.monitor.enabled');
    expect(await notes({ config: { metrics: { enabled: false } } }, true)).toContain(
      'SKIPPED: config.metrics',
    );
  });

  it('warn of a server that anybody may use, and not of one with tokens', async () => {
    const warned = 'auth.tokensSecret.name: no token is needed';
    expect(await warnings({}, true)).toContain(warned);
    const clients = [{ podSelector: { matchLabels: { app: 'agent' } } }];
    expect(await warnings({ networkPolicy: { enabled: true } }, true)).toContain(warned);
    expect(await warnings({ networkPolicy: { enabled: true, clients } }, true)).toBe('');
    const extraEnv = [
      { name: 'NEXUS_AUTH_TOKEN', valueFrom: { secretKeyRef: { name: 'one', key: 'token' } } },
    ];
    for (const values of [{ auth: { tokensSecret: { name: 'tokens' } } }, { extraEnv }]) {
      const one = await warnings(values, true);
      expect(one).not.toContain(warned);
      expect(one).toContain('probe.tokenSecret.name: the server needs a token');
    }
  });

  it('warn of a helm test that has no token, where one is needed', async () => {
    const auth = { tokensSecret: { name: 'tokens' } };
    const text = await notes({ auth }, true);
    expect(warningsIn(text)).toEqual([
      'probe.tokenSecret.name: the server needs a token and helm test has none, so it would fail; name a Secret that has a token in the key token, or set probe.helmTest to false if nobody runs helm test',
    ]);
    expect(text).toContain('\nTEST IT\n  First set probe.tokenSecret.name: see WARNINGS\n  helm test ');
    const tested = '\nTEST IT\n  helm test nexus-mcp -n tools --logs\n';
    const enough: readonly Values[] = [
      { auth, probe: { tokenSecret: { name: 'probe' } } },
      { auth: { tokenSecret: { name: 'token' } } },
    ];
    for (const values of enough) {
      const silent = await notes(values, true);
      expect(silent).not.toContain('WARNINGS');
      expect(silent).toContain(tested);
    }
    const off = await notes({ auth, probe: { helmTest: false } }, true);
    expect(off).not.toContain('WARNINGS');
    expect(off).toContain('\nTEST IT\n  helm test: switched off (probe.helmTest)\n');
  });

  it('warn of a server that anybody may use from outside, whatever pods a network policy lets in', async () => {
    const clients = [
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
    ];
    const base = {
      networkPolicy: { enabled: true, clients },
      config: { ops: { port: 9998 }, server: { trustedProxies: 1 } },
    };
    const ingress = { enabled: true, hosts: ['a.example.com'] };
    const httpRoute = { enabled: true, parentRefs: [{ name: 'public' }], hostnames: ['a.example.com'] };
    for (const [through, name] of [
      [{ ingress }, 'Ingress'],
      [{ httpRoute }, 'HTTPRoute'],
    ] as const)
      expect(await warnings({ ...base, ...through }, true)).toMatch(
        new RegExp(
          `^auth\\.tokensSecret\\.name: no token is needed, so everybody who reaches the ${name} can call the tools; name a Secret with tokens here\\. networkPolicy\\.clients cannot tell them apart, .*$`,
        ),
      );
    const needed = await notes({ ...base, ingress, auth: { tokensSecret: { name: 'tokens' } } }, true);
    expect(needed).not.toContain('no token is needed');
    expect(await warnings(base, true)).toBe('');
  });

  it('warn where clients from outside would share one quota, and not where the proxies are counted', async () => {
    const ingress = { enabled: true, hosts: ['a.example.com'] };
    expect(await notes({ ingress }, false)).toContain('- config.server.trustedProxies: is 0');
    const config = { server: { trustedProxies: 1 } };
    expect(await notes({ ingress, config }, false)).not.toContain('trustedProxies');
    expect(await notes({}, false)).not.toContain('trustedProxies');
    // With tokens, no quota is by addresses, but the audit has them.
    const auth = { tokensSecret: { name: 'tokens' } };
    expect(await notes({ ingress, auth }, false)).not.toContain('trustedProxies');
    const audited = await warnings({ ingress, auth, config: { audit: { enabled: true } } }, true);
    expect(audited).toMatch(
      /^config\.server\.trustedProxies: is 0, so refused requests are in the audit with the address of the ingress controller; set/m,
    );
    expect(audited).not.toContain('quota');
  });

  it('warn of several pods without a key, of what is lost, and say how to make one and use it', async () => {
    const text = await notes({ replicas: 2 }, false);
    const warned = warningsIn(text).join('\n');
    expect(warned).toContain('stateKeySecret.name: the pods share no key');
    expect(warned).toContain('The Service sends each client address to the same pod;');
    expect(text).toContain(
      '\n  kubectl -n tools create secret generic nexus-mcp-state-key --from-literal=state-key="$(openssl rand -base64 48)"\n' +
        '  helm upgrade nexus-mcp CHART -n tools --reset-then-reuse-values --set stateKeySecret.name=nexus-mcp-state-key\n',
    );
    const balanced = await warnings({ replicas: 2, service: { type: 'LoadBalancer' } }, false);
    expect(balanced).toContain('The Service does not send clients to the same pod,');
  });

  it.each<Values>([
    {},
    { replicas: 2, stateKeySecret: { name: 'key' } },
    { replicas: 2, config: { sessions: { stateKeyFile: '/data/key' } } },
  ])('say nothing of keys where nothing is lost (%o)', async (values) => {
    expect(await notes(values, false)).not.toContain('no key');
  });

  it('warn of scaling by sessions where any pod may hold any of them', async () => {
    const keda = { enabled: true, serverAddress: 'http://prometheus:9090', activeSessions: 5 };
    const text = await warnings({ keda, stateKeySecret: { name: 'key' } }, false);
    expect(text).toContain('keda.activeSessions: counts a session in each pod that serves it');
    expect(await notes({ keda }, false)).not.toContain('activeSessions');
  });

  it('say that a network policy keeps calls from upstreams in the cluster', async () => {
    const of = (url: string, networkPolicy: Values) =>
      warnings(
        { config: { ops: { port: 9998 }, upstreams: [{ name: 'weather', url }] }, networkPolicy },
        true,
      );
    const inside = 'http://weather.tools.svc:8000/mcp';
    const told =
      'networkPolicy.extraEgress: the network policy blocks calls to the upstream weather (weather.tools.svc:8000)';
    expect(await of(inside, { enabled: true })).toContain(told);
    expect(await of(inside, {})).not.toContain('extraEgress');
    expect(await of(inside, { enabled: true, egress: 'any' })).not.toContain('extraEgress');
    const extraEgress = [{ ports: [{ port: 8000 }] }];
    expect(await of(inside, { enabled: true, extraEgress })).not.toContain('extraEgress');
    const outside = 'https://mcp.example.com/mcp';
    expect(await of(outside, { enabled: true })).not.toContain('extraEgress');
    expect(await of(outside, { enabled: true, egress: 'none' })).toContain('extraEgress');
  });

  it('say that a changed ConfigMap of tool modules needs a restart', async () => {
    const toolModules = { configMaps: [{ name: 'weather', files: ['weather.ts'] }] };
    expect(await notes({ toolModules }, false)).toMatch(
      /After a change of the ConfigMap weather:\n {2}kubectl -n tools rollout restart deployment nexus-mcp\n/,
    );
    expect(await notes({}, false)).not.toContain('rollout restart');
    const deploymentAnnotations = { 'reloader.stakater.com/auto': 'true' };
    expect(await notes({ toolModules, deploymentAnnotations }, false)).not.toContain('rollout restart');
  });

  it('name the set of the dashboards, or whose are looked at', async () => {
    expect(await notes({}, true)).toContain('titles end in (tools.nexus-mcp)');
    const dashboards = { enabled: false, set: 'production.nexus-mcp' };
    expect(await notes({ monitoring: { dashboards } }, true)).toContain(
      'Dashboards: none here; alerts link to the set production.nexus-mcp',
    );
  });

  it('say how a Service becomes an upstream, where some are looked for', async () => {
    const of = (discovery: Values) => notes({ config: { ops: { port: 9998 }, discovery } }, false);
    expect(await of({ enabled: true })).toContain(
      'kubectl -n tools label service NAME nexus-mcp.io/upstream=true',
    );
    const text = await of({ enabled: true, namespaces: ['a', 'b'], labelSelector: 'mcp in (yes, false)' });
    expect(text).toContain(
      'Services in the namespaces a, b with the label mcp in (yes, false) are upstreams',
    );
    expect(text).not.toContain('label service NAME');
    expect(await of({})).not.toContain('UPSTREAMS');
  });

  it('say whether a release without a pod is noticed', async () => {
    expect(await notes({}, true)).toContain(
      'NexusMCPDown fires while Prometheus finds no pod of this release\n',
    );
    expect(await notes({ replicas: 0 }, true)).toContain(
      'NexusMCPDown does not fire if Prometheus has never found a pod',
    );
    const rules = { alertingRules: false };
    for (const values of [{ alerts: { NexusMCPDown: { enabled: false } } }, { monitoring: { rules } }])
      expect(await notes(values, true)).not.toContain('NexusMCPDown');
  });

  it('name the addresses', async () => {
    const text = await notes({ ingress: { enabled: true, hosts: ['mcp.example.com'] } }, false);
    expect(text).toContain('http://nexus-mcp.tools.svc:9999/mcp');
    expect(text).toContain('http://mcp.example.com/mcp');
    expect(text).not.toContain('Bearer');
    const auth = { tokensSecret: { name: 'tokens' } };
    expect(await notes({ auth }, false)).toContain('Clients send:      Authorization: Bearer TOKEN\n');
    expect(text).toContain('port-forward deploy/nexus-mcp 9998, then http://localhost:9998/\n\nTEST IT\n');
  });
});

describe('the notes of a release with accounts of an identity provider', () => {
  const issuer = 'https://login.example.com';
  const withIssuer = (resource: string, more: Values = {}): Values => ({
    config: {
      ops: { port: 9998 },
      server: { trustedProxies: 1 },
      auth: { resource, issuers: [{ issuer }] },
      ...more,
    },
  });
  const RESOURCE = 'https://mcp.example.com/mcp';

  it('say where clients sign in, and for what', async () => {
    const text = await notes(withIssuer(RESOURCE), true);
    expect(text).toContain(`\n  Clients sign in:   at ${issuer}, for ${RESOURCE} (config.auth)\n`);
    expect(await notes({}, true)).not.toContain('sign in');
  });

  it('say that a probe needs a token of the list beside them', async () => {
    expect(await warnings(withIssuer(RESOURCE), true)).toBe(
      'probe.tokenSecret.name: the server needs a token and helm test has none, so it would fail; name a Secret that has a token in the key token and is in the list of auth.tokensSecret, which holds beside config.auth.issuers: a probe cannot sign in at an identity provider, or set probe.helmTest to false if nobody runs helm test',
    );
    const [canary] = await complaints({ values: { ...withIssuer(RESOURCE), canary: { enabled: true } } });
    expect(canary).toMatch(/^- probe\.tokenSecret: the canary needs a token .* list of auth\.tokensSecret/);
    const outcome = await template({ values: withIssuer(RESOURCE) });
    expect(outcome.ok && outcome.text).toContain(
      'Secret that has one of auth.tokensSecret in the value probe.token',
    );
  });

  it('warn of a resource at a host that leads nowhere', async () => {
    const hosts = ['mcp.example.com', '*.agents.example.com'];
    const through: readonly Values[] = [
      { ingress: { enabled: true, hosts } },
      { httpRoute: { enabled: true, parentRefs: [{ name: 'public' }], hostnames: hosts } },
    ];
    const probe = { helmTest: false };
    for (const each of through) {
      const of = (resource: string, more?: Values) =>
        warnings({ ...each, probe, ...withIssuer(resource, more) }, true);
      expect(await of('https://mcp.exampel.com/mcp')).toMatch(
        /^config\.auth\.resource: mcp\.exampel\.com is no host of the (Ingress|HTTPRoute) \(mcp\.example\.com, \*\.agents\.example\.com\)/,
      );
      for (const known of [RESOURCE, 'https://MCP.example.com:8443/mcp', 'https://a.agents.example.com/mcp'])
        expect(await of(known), known).toBe('');
      const server = { trustedProxies: 1, allowedHosts: ['mcp.exampel.com'] };
      expect(await of('https://mcp.exampel.com/mcp', { server })).toBe('');
    }
    expect(await warnings({ probe, ...withIssuer('https://mcp.exampel.com/mcp') }, true)).toBe('');
  });

  it('warn of hashes of users of which nobody can tell whose they are', async () => {
    const values = { probe: { helmTest: false }, ...withIssuer(RESOURCE, { audit: { enabled: true } }) };
    const text = await notes(values, true);
    expect(warningsIn(text).join('\n')).toMatch(
      /^stateKeySecret\.name: config\.audit\.enabled hashes users .*$/,
    );
    expect(text).toContain('--set stateKeySecret.name=nexus-mcp-state-key\n');
    expect(await warnings({ ...values, stateKeySecret: { name: 'key' } }, true)).toBe('');
    const inFile = withIssuer(RESOURCE, {
      audit: { enabled: true },
      sessions: { stateKeyFile: '/data/key' },
    });
    expect(await warnings({ probe: { helmTest: false }, ...inFile }, true)).toBe('');
  });
});

it('the notes name what probes regularly, and where spans go', async () => {
  const canary = { enabled: true };
  const config = { tracing: { endpoint: 'http://collector.observability:4318' } };
  const text = await notes({ canary, config, tracing: { ratio: 0.1 } }, true);
  expect(text).toContain(
    'Canary: a CronJob that calls current_timestamp (*/5 * * * *). A run that fails is a failed Job.',
  );
  expect(text).toContain(
    '\n\nTRACES\n  Spans go to http://collector.observability:4318 by OTLP over HTTP (sampler parentbased_traceidratio, ratio 0.1).',
  );
  expect(await notes({}, true)).not.toMatch(/Canary|TRACES/);
});

it('a collector at the port of gRPC is warned of', async () => {
  const at = (endpoint: string) => warnings({ config: { tracing: { endpoint } } }, true);
  expect(await at('http://collector:4317')).toContain(
    'config.tracing.endpoint: 4317 is usually the port of OTLP over gRPC',
  );
  expect(await at('http://collector:4318')).not.toContain('gRPC');
});

it('an autoscaler whose numbers the cluster cannot give is warned of', async () => {
  const scaled = { enabled: true, callsInFlight: 5 };
  expect(await warnings({ autoscaling: scaled }, true)).toMatch(
    /^autoscaling\.callsInFlight: the cluster has no custom\.metrics\.k8s\.io, so .* --api-versions custom/m,
  );
  expect(await warnings({ autoscaling: { enabled: true, activeSessions: 5 } }, true)).toMatch(
    /^autoscaling\.activeSessions: the cluster has no custom/m,
  );
  for (const autoscaling of [{ enabled: true }, { callsInFlight: 5 }])
    expect(await warnings({ autoscaling }, true)).not.toContain('custom.metrics');
  const values = { autoscaling: scaled, strict: true };
  const told = (args: readonly string[]) => complaints({ values, args });
  expect((await told([])).join()).toContain('custom.metrics');
  expect((await told(['--api-versions', 'custom.metrics.k8s.io/v1beta2'])).join()).not.toContain(
    'custom.metrics',
  );
});

describe('the notes of a release with an audit', () => {
  it('say where the events are', async () => {
    expect(await notes({ config: { audit: { enabled: true } } }, true)).toContain(
      'select(.stream == "audit")',
    );
    const inFile = {
      config: { audit: { enabled: true, file: '/logs/audit.jsonl' } },
      extraVolumes: [{ name: 'logs', persistentVolumeClaim: { claimName: 'logs' } }],
      extraVolumeMounts: [{ name: 'logs', mountPath: '/logs' }],
    };
    const kept = await notes(inFile, true);
    expect(kept).toContain('an event in /logs/audit.jsonl of the container');
    expect(kept).not.toContain('emptyDir');
    const extraVolumes = [{ name: 'logs', emptyDir: {} }];
    expect(await notes({ ...inFile, extraVolumes }, true)).toContain('have another container ship the file');
    expect(await notes({}, true)).not.toContain('AUDIT');
  });
});

it('an audit file that would fill /tmp is refused', async () => {
  const inTmp = { config: { audit: { enabled: true, file: '/tmp/audit.jsonl' } } };
  await expect(notes(inTmp, true)).rejects.toThrow(
    'config.audit.file: /tmp/audit.jsonl is on no volume of extraVolumeMounts',
  );
});

it('metrics that need a token, where nobody has one, are refused, and warned of otherwise', async () => {
  await expect(notes({ config: { metrics: { needToken: true } } }, true)).rejects.toThrow(
    'config.metrics.needToken: nobody has a token',
  );
  const extraEnv = [{ name: 'NEXUS_AUTH_TOKEN', valueFrom: { secretKeyRef: { name: 'one', key: 'token' } } }];
  const warned = await warnings({ config: { metrics: { needToken: true } }, extraEnv }, true);
  expect(warned).toContain('config.metrics.needToken: has no effect. It is for the main port');
});

describe('strict', () => {
  /** All that is warned of, in values that go together. */
  const WARNED: readonly Values[] = [
    {
      replicas: 2,
      ingress: { enabled: true, hosts: ['a.example.com'] },
      networkPolicy: { enabled: true },
      config: { ops: { port: 9998 }, upstreams: [{ name: 'weather', url: 'http://weather.tools.svc/mcp' }] },
    },
    {
      keda: { enabled: true, serverAddress: 'http://prometheus:9090', activeSessions: 5 },
      stateKeySecret: { name: 'key' },
      monitoring: { monitor: { enabled: true, interval: '1m' }, rules: { enabled: true } },
      auth: { tokensSecret: { name: 'tokens' } },
      config: { ops: { port: 9998 }, metrics: { needToken: true } },
    },
  ];

  it.each(WARNED)('refuses, with the same words, what the notes warn of: list %$', async (values) => {
    const warned = warningsIn(await notes(values, false));
    expect(warned.length).toBeGreaterThanOrEqual(3);
    const refused = await complaints({ operator: false, values: { ...values, strict: true } });
    expect(refused).toEqual(warned.map((line) => `- strict: ${line}`));
  });

  it('takes a release of which there is nothing to warn', async () => {
    const values = {
      strict: true,
      auth: { tokensSecret: { name: 'tokens' } },
      probe: { tokenSecret: { name: 'probe' } },
    };
    expect(await template({ values })).toMatchObject({ ok: true });
  });
});
