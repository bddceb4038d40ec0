import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { at, kindsOf, one, renderPlain, type Manifest, type Values } from './helm.ts';
import { merged } from './merged.ts';

type Labels = Readonly<Record<string, string>>;
interface Pod {
  readonly metadata: { readonly labels: Labels };
  readonly spec: { readonly containers: readonly [{ readonly args: readonly string[] }] };
}
interface Rule {
  readonly ports?: readonly { readonly port: string | number }[];
  readonly from?: readonly { readonly podSelector?: { readonly matchLabels: Labels } }[];
}
interface Port {
  readonly port: number;
  readonly targetPort: string;
}

/** Whether a policy lets a pod of its namespace in, as far as the chart's own selectors go. */
const letsIn = (policy: Manifest, { metadata }: Pod, port: string): boolean =>
  at<readonly Rule[]>(policy, 'spec.ingress').some(
    ({ ports, from }) =>
      (ports === undefined || ports.some((one) => one.port === port)) &&
      (from === undefined ||
        from.some(({ podSelector }) =>
          Object.entries(podSelector?.matchLabels ?? { none: 'such' }).every(
            ([name, value]) => metadata.labels[name] === value,
          ),
        )),
  );

/** The ports of the server's pods behind the URLs that a probe asks. */
function portsAsked(manifests: readonly Manifest[], pod: Pod): readonly string[] {
  const urls = pod.spec.containers[0].args.filter((arg) => arg.startsWith('http://'));
  return urls.map((url) => {
    const { hostname, port } = new URL(url);
    const service = one(manifests, 'Service', hostname.split('.')[0]);
    const found = at<readonly Port[]>(service, 'spec.ports').find(
      (one) => String(one.port) === (port || '80'),
    );
    return found?.targetPort ?? `none at ${url}`;
  });
}

const agents = [{ podSelector: { matchLabels: { app: 'agent' } } }];
const other = [{ namespaceSelector: { matchLabels: { team: 'monitoring' } } }];
const POLICIES: readonly Values[] = [
  {},
  { prometheus: [] },
  { clients: agents, prometheus: other, egress: 'none' },
];
const RELEASES: readonly (readonly [what: string, values: Values])[] = [
  ['as it is', {}],
  ['without metrics', { config: { ops: { port: 9998 }, metrics: { enabled: false } } }],
  ['at other ports', { config: { ops: { port: 9001 }, server: { port: 9002 } }, service: { port: 80 } }],
  ['of another name', { nameOverride: 'a-name-so-long-that-labels-have-no-room-for-what-follows-it-00' }],
  ['of replicas with a key', { replicas: 3, stateKeySecret: { name: 'key' } }],
  [
    'whose probes have labels of theirs, and of others',
    {
      probe: {
        podLabels: { mesh: 'off', 'app.kubernetes.io/name': 'x', 'app.kubernetes.io/component': 'y' },
      },
    },
  ],
  [
    'whose objects have labels of others',
    { commonLabels: { 'app.kubernetes.io/name': 'x', team: 'agents' } },
  ],
];

describe.each(RELEASES)('a release %s', (_what, values) => {
  it.each(POLICIES)('lets helm test and the canary in by its network policy: %j', async (policy) => {
    const networkPolicy = { enabled: true, ...policy };
    const manifests = await renderPlain({
      values: merged([values, { networkPolicy, canary: { enabled: true } }]),
    });
    const ours = one(manifests, 'NetworkPolicy');
    const pods = [
      one(manifests, 'Pod') as Manifest & Pod,
      at<Pod>(one(manifests, 'CronJob'), 'spec.jobTemplate.spec.template'),
    ];
    for (const pod of pods) {
      const ports = portsAsked(manifests, pod);
      expect(ports).toEqual(['http', 'metrics']);
      for (const port of ports) expect(letsIn(ours, pod, port), port).toBe(true);
      // It is no pod of the server's, whose way out the policy narrows.
      const selected = Object.entries(at<Labels>(ours, 'spec.podSelector.matchLabels'));
      expect(selected.every(([name, value]) => pod.metadata.labels[name] === value)).toBe(false);
    }
    const stranger = { ...pods[0], metadata: { labels: { app: 'stranger' } } } as Pod;
    expect(letsIn(ours, stranger, 'http')).toBe(!('clients' in policy));
  });
});

describe('helm test', () => {
  const auth = { tokensSecret: { name: 'tokens' } };

  it('says which value it lacks, where the server needs a token', async () => {
    const { command, args } = at<{ readonly command: readonly string[]; readonly args?: unknown }>(
      one(await renderPlain({ values: { auth } }), 'Pod'),
      'spec.containers.0',
    );
    expect(command[0]).toBe('node');
    expect(args).toBeUndefined();
    const { status, stderr } = spawnSync(process.execPath, command.slice(1), { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toBe(
      'The server needs a token, and this test has none. Name a Secret that has one in the value probe.tokenSecret.name of the chart (key token).\n',
    );
    const values = { auth, probe: { tokenSecret: { name: 'probe' } } };
    const [container] = at<readonly object[]>(one(await renderPlain({ values }), 'Pod'), 'spec.containers');
    expect(container).not.toHaveProperty('command');
  });

  it('can be left out', async () => {
    const values = { auth, probe: { helmTest: false } };
    expect(kindsOf(await renderPlain({ values }))).not.toContain('Pod');
  });
});
