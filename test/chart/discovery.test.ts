import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { at, complaints, one, renderPlain as render, type Manifest, type Values } from './helm.ts';

const config = { ops: { port: 9998 }, discovery: { enabled: true } };
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount';

const of = async (kind: string, values: Values): Promise<readonly Manifest[]> =>
  (await render({ values })).filter((each) => each.kind === kind);
const namespacesOf = (manifests: readonly Manifest[]) => manifests.map(({ metadata }) => metadata.namespace);
const mounts = async (values: Values): Promise<string> =>
  JSON.stringify(
    at(one(await render({ values }), 'Deployment'), 'spec.template.spec.containers.0.volumeMounts'),
  );
const egress = async (networkPolicy: Values, discovery: Values = {}): Promise<readonly object[]> => {
  const values = {
    config: { ...config, discovery: { enabled: true, ...discovery } },
    networkPolicy: { enabled: true, ...networkPolicy },
  };
  return at<readonly object[]>(one(await render({ values }), 'NetworkPolicy'), 'spec.egress');
};

describe('discovery in the chart', () => {
  it('is off, and then there is no role and no token', async () => {
    expect(await of('Role', {})).toEqual([]);
    expect(await of('RoleBinding', {})).toEqual([]);
    expect(await mounts({})).not.toContain(TOKEN);
  });

  it('may list and watch Services of the own namespace, and nothing else', async () => {
    const roles = await of('Role', { config });
    expect(roles.map(({ metadata, ...role }) => [metadata.namespace, metadata.name, role['rules']])).toEqual([
      [
        'tools',
        'nexus-mcp-discovery',
        [{ apiGroups: [''], resources: ['services'], verbs: ['list', 'watch'] }],
      ],
    ]);
    expect(await of('ClusterRole', { config })).toEqual([]);
    const [binding] = await of('RoleBinding', { config });
    expect(binding).toMatchObject({
      roleRef: { kind: 'Role', name: 'nexus-mcp-discovery' },
      subjects: [{ kind: 'ServiceAccount', name: 'nexus-mcp', namespace: 'tools' }],
    });
    expect(await mounts({ config })).toContain(TOKEN);
  });

  it('may do so in the namespaces that are named, and only there', async () => {
    const named = { config: { ...config, discovery: { enabled: true, namespaces: ['a', 'b'] } } };
    expect(namespacesOf(await of('Role', named))).toEqual(['a', 'b']);
    expect(namespacesOf(await of('RoleBinding', named))).toEqual(['a', 'b']);
  });

  it('has names there that no release of another namespace has', async () => {
    const named = {
      config: { ...config, discovery: { enabled: true, namespaces: ['tools', 'a'] } },
      rbac: { profile: 'readonly', namespaces: ['tools', 'a'] },
    };
    const expected = [
      'tools/nexus-mcp',
      'a/tools-nexus-mcp',
      'tools/nexus-mcp-discovery',
      'a/tools-nexus-mcp-discovery',
    ];
    const [roles, bindings] = [await of('Role', named), await of('RoleBinding', named)];
    const full = ({ metadata }: Manifest): string => [metadata.namespace, metadata.name].join('/');
    expect(roles.map(full).toSorted()).toEqual(expected.toSorted());
    expect(bindings.map(full).toSorted()).toEqual(expected.toSorted());
    expect(bindings.map((each) => at(each, 'roleRef.name'))).toEqual(
      bindings.map(({ metadata }) => metadata.name),
    );
  });

  it('stands beside the access of tools, under a name of its own', async () => {
    const roles = await of('Role', { config, rbac: { profile: 'readonly' } });
    expect(roles.map(({ metadata }) => metadata.name)).toEqual(['nexus-mcp', 'nexus-mcp-discovery']);
  });

  it('needs no account where a kubeconfig says who asks', async () => {
    const discovery = { enabled: true, kubeconfig: '/etc/kube/config' };
    const values = { config: { ...config, discovery } };
    expect(await of('Role', values)).toEqual([]);
    expect(await mounts(values)).not.toContain(TOKEN);
  });

  it('reaches the server as it is set', async () => {
    const map = one(await render({ values: { config } }), 'ConfigMap');
    const file = parse(at<Record<string, string>>(map, 'data')['nexus.yaml'] ?? '') as object;
    expect(file).toMatchObject({ discovery: { enabled: true } });
  });
});

describe('a network policy with discovery', () => {
  const ports = [443, 6443].map((port) => ({ port, protocol: 'TCP' }));
  const kubernetesApi = [{ ipBlock: { cidr: '10.0.0.10/32' } }];
  const pods = (...values: readonly string[]) => ({
    to: [
      {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values }],
        },
      },
    ],
  });

  it('lets calls out to the API, and to the pods of the namespaces that are looked in, and no others', async () => {
    const [, ...rules] = await egress({ egress: 'none', kubernetesApi });
    expect(rules).toEqual([pods('tools'), { ports, to: kubernetesApi }]);
    const named = await egress({ egress: 'none', kubernetesApi }, { namespaces: ['a', 'b'] });
    expect(named.slice(1)).toEqual([pods('a', 'b'), { ports, to: kubernetesApi }]);
  });

  it('lets calls out to those upstreams alone that are named', async () => {
    const upstreams = [{ podSelector: { matchLabels: { mcp: 'yes' } } }];
    const rules = await egress({ egress: 'none', kubernetesApi, upstreams });
    expect(rules.slice(1)).toEqual([{ to: upstreams }, { ports, to: kubernetesApi }]);
  });

  it('has none of that where discovery is off', async () => {
    expect(await egress({ egress: 'none' }, { enabled: false })).toHaveLength(1);
  });

  it('names no upstreams where none are looked for', async () => {
    const values = { networkPolicy: { enabled: true, upstreams: [{ podSelector: {} }] } };
    expect((await complaints({ values })).join()).toContain(
      'networkPolicy.upstreams: says nothing where config.discovery.enabled is false',
    );
  });

  it('is refused where it lets nothing out, and does not say where the API is', async () => {
    const values = { config, networkPolicy: { enabled: true, egress: 'none' } };
    expect((await complaints({ values })).join()).toMatch(
      /networkPolicy\.kubernetesApi: say where the Kubernetes API is, .* or config\.discovery the server/,
    );
  });
});
