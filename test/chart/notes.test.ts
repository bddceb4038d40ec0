import { describe, expect, it } from 'vitest';
import { helm, type Values } from './helm.ts';

/** What `helm install` prints. An API that every cluster has stands for that of Prometheus Operator. */
async function notes(values: Values, operator: boolean): Promise<string> {
  const monitoring = operator ? { apiVersion: 'apps/v1' } : {};
  const all = { ...values, monitoring: { ...monitoring, ...(values['monitoring'] as object | undefined) } };
  const outcome = await helm('install', { values: all }, ['--dry-run=client']);
  if (!outcome.ok) throw new Error(outcome.error);
  return outcome.text.slice(outcome.text.indexOf('\nNOTES:'));
}

describe('the notes after an installation', () => {
  it('say what was skipped, and how to have it', async () => {
    const text = await notes({}, false);
    expect(text).toContain(
      'SKIPPED ServiceMonitor: this cluster has no monitoring.coreos.com/v1/ServiceMonitor',
    );
    expect(text).toContain('SKIPPED PrometheusRule');
    expect(text).toContain('NOTHING WILL ALERT');
    expect(text).toContain('--set monitoring.monitor.enabled=true --set monitoring.rules.enabled=true');
    expect(text).toContain('prometheus.io annotations');
  });

  it('say how to see what Prometheus selects by, and what ours have', async () => {
    const text = await notes({ monitoring: { labels: { release: 'stack' } } }, true);
    expect(text).not.toContain('SKIPPED');
    expect(text).toContain('kubectl get prometheus -A');
    expect(text).toContain('{.spec.serviceMonitorSelector}');
    expect(text).toContain('Ours have now: {"release":"stack"}');
    expect(await notes({ monitoring: { monitor: { kind: 'PodMonitor' } } }, true)).toContain(
      '{.spec.podMonitorSelector}',
    );
  });

  it('say that alerts come late where scrapes are far apart', async () => {
    const at = (interval: string) => notes({ monitoring: { monitor: { interval } } }, true);
    expect(await at('60s')).toContain(
      'LATE: monitoring.monitor.interval is 60s; the alerts are made for 30s',
    );
    expect(await notes({}, true)).not.toContain('LATE');
    expect(await at('')).not.toContain('LATE');
  });

  it('say what was switched off by somebody', async () => {
    const off = { enabled: false };
    const text = await notes({ monitoring: { monitor: off, rules: off } }, true);
    expect(text).toContain('ServiceMonitor: switched off (monitoring.monitor.enabled)');
    expect(text).toContain('PrometheusRule: switched off (monitoring.rules.enabled)');
    expect(text).not.toContain('Install Prometheus Operator');
    const one = await notes({ monitoring: { monitor: off } }, false);
    expect(one).toContain('force what was skipped with\n    --set monitoring.rules.enabled=true\n');
    expect(await notes({ config: { metrics: { enabled: false } } }, true)).toContain(
      'SKIPPED: config.metrics',
    );
  });

  it('warn of a server that anybody may use, and not of one with tokens', async () => {
    expect(await notes({}, true)).toContain('WARNING: nobody needs a token');
    const text = await notes({ auth: { tokensSecret: { name: 'tokens' } } }, true);
    expect(text).not.toContain('WARNING');
    expect(text).toContain('NOTE: helm test has no token to call with');
  });

  it('warn where clients from outside would share one quota, and not where the proxies are counted', async () => {
    const ingress = { enabled: true, hosts: ['a.example.com'] };
    expect(await notes({ ingress }, true)).toContain('WARNING: config.server.trustedProxies is 0');
    const config = { server: { trustedProxies: 1 } };
    expect(await notes({ ingress, config }, true)).not.toContain('trustedProxies');
    expect(await notes({}, true)).not.toContain('trustedProxies');
  });

  it('warn of several pods without a key, of what is lost, and say how to make one and use it', async () => {
    const text = await notes({ replicas: 2 }, true);
    expect(text).toContain('WARNING: the pods share no key');
    expect(text).toContain('The Service keeps a client with its pod by address;');
    expect(text).toContain(
      '\n  kubectl -n tools create secret generic nexus-mcp-state-key --from-literal=state-key="$(openssl rand -base64 48)"\n' +
        '  helm upgrade nexus-mcp CHART -n tools --reset-then-reuse-values --set stateKeySecret.name=nexus-mcp-state-key\n',
    );
    const balanced = await notes({ replicas: 2, service: { type: 'LoadBalancer' } }, true);
    expect(balanced).toContain('The Service does not keep clients with their pods,');
  });

  it.each<Values>([
    {},
    { replicas: 2, stateKeySecret: { name: 'key' } },
    { replicas: 2, config: { sessions: { stateKeyFile: '/data/key' } } },
  ])('say nothing of keys where nothing is lost (%o)', async (values) => {
    expect(await notes(values, true)).not.toContain('no key');
  });

  it('warn of scaling by sessions where any pod may hold any of them', async () => {
    const keda = { enabled: true, serverAddress: 'http://prometheus:9090', activeSessions: 5 };
    const text = await notes({ keda, stateKeySecret: { name: 'key' } }, true);
    expect(text).toContain('WARNING: keda.activeSessions counts a session in each pod that serves it');
    expect(await notes({ keda }, true)).not.toContain('activeSessions');
  });

  it('say that a network policy keeps calls from upstreams in the cluster', async () => {
    const config = { upstreams: [{ name: 'weather', url: 'http://weather.tools.svc:8000/mcp' }] };
    const of = (networkPolicy: Values) => notes({ config, networkPolicy }, true);
    const told = 'networkPolicy lets no calls out to upstreams';
    expect(await of({ enabled: true })).toContain(told);
    expect(await of({})).not.toContain(told);
    expect(await of({ enabled: true, egress: 'any' })).not.toContain(told);
    expect(await of({ enabled: true, extraEgress: [{ ports: [{ port: 8000 }] }] })).not.toContain(told);
  });

  it('say how a Service becomes an upstream, where some are looked for', async () => {
    const of = (discovery: Values) => notes({ config: { ops: { port: 9998 }, discovery } }, true);
    expect(await of({ enabled: true })).toContain(
      'kubectl -n tools label service NAME nexus-mcp.io/upstream=true',
    );
    const text = await of({ enabled: true, namespaces: ['a', 'b'], labelSelector: 'mcp in (yes, true)' });
    expect(text).toContain('Services with mcp in (yes, true) in a, b are upstreams');
    expect(text).not.toContain('label service NAME');
    expect(await of({})).not.toContain('UPSTREAMS');
  });

  it('say whether a release without a pod is noticed', async () => {
    expect(await notes({}, true)).toContain('NexusMCPDown fires as long as Prometheus finds no pod\n');
    expect(await notes({ replicas: 0 }, true)).toContain('NexusMCPDown ends an hour after');
  });

  it('name the addresses', async () => {
    const text = await notes({ ingress: { enabled: true, hosts: ['mcp.example.com'] } }, true);
    expect(text).toContain('http://nexus-mcp.tools.svc:9999/mcp');
    expect(text).toContain('http://mcp.example.com/mcp');
    expect(text).toContain('port-forward deploy/nexus-mcp 9998, then http://localhost:9998/\n\nTEST IT\n');
  });
});
