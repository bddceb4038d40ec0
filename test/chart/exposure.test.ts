import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { at, one, renderPlain as render, type Values } from './helm.ts';

interface EgressRule {
  readonly ports?: readonly { readonly port: number }[];
  readonly to?: readonly object[];
}

describe('a network policy', () => {
  it('lets names be looked up, also where the server of names listens on 5353, as that of OpenShift', async () => {
    const policy = one(await render({ values: { networkPolicy: { enabled: true } } }), 'NetworkPolicy');
    expect(at(policy, 'spec.egress.0')).toEqual({
      ports: [53, 5353].flatMap((port) => ['UDP', 'TCP'].map((protocol) => ({ port, protocol }))),
    });
  });
});

describe('a network policy of tools that may use the Kubernetes API', () => {
  const rulesFor = async (networkPolicy: Values, profile: string): Promise<readonly EgressRule[]> => {
    const values = { networkPolicy: { enabled: true, ...networkPolicy }, rbac: { profile } };
    return at<readonly EgressRule[]>(one(await render({ values }), 'NetworkPolicy'), 'spec.egress');
  };
  const ports = [443, 6443].map((port) => ({ port, protocol: 'TCP' }));
  const api = [{ ipBlock: { cidr: '10.0.0.10/32' } }];

  it('lets nothing else out where there is no egress: names, and the API at its address', async () => {
    const [names, ...others] = await rulesFor({ egress: 'none', kubernetesApi: api }, 'readonly');
    expect(names?.ports?.map(({ port }) => port)).toEqual([53, 53, 5353, 5353]);
    expect(others).toEqual([{ ports, to: api }]);
  });

  it('lets them reach it wherever it is, until that is said', async () => {
    expect(await rulesFor({}, 'readonly')).toContainEqual({ ports });
    const rules = await rulesFor({ kubernetesApi: api }, 'readonly');
    expect(rules).toContainEqual({ ports, to: api });
    expect(rules).not.toContainEqual({ ports });
  });

  it('has no way to it for tools that may not use it', async () => {
    expect(await rulesFor({ egress: 'none', kubernetesApi: api }, 'none')).toHaveLength(1);
  });
});

describe('what is reached from outside', () => {
  const issuers = [{ issuer: 'https://keycloak.example.com/realms/company' }];
  const exposed = {
    ingress: { enabled: true, hosts: ['a.example.com'], path: '/mcp' },
    httpRoute: {
      enabled: true,
      parentRefs: [{ name: 'public' }],
      hostnames: ['a.example.com'],
      path: '/mcp',
    },
  };
  const pathsOf = async (values: Values): Promise<readonly (readonly unknown[])[]> => {
    const manifests = await render({ values: { ...exposed, ...values } });
    const inIngress = at<readonly { path: string }[]>(one(manifests, 'Ingress'), 'spec.rules.0.http.paths');
    const inRoute = at<readonly { path: { value: string } }[]>(
      one(manifests, 'HTTPRoute'),
      'spec.rules.0.matches',
    );
    return [inIngress.map(({ path }) => path), inRoute.map(({ path }) => path.value)];
  };

  it('has the metadata that OAuth clients look for, whatever the path', async () => {
    const auth = { resource: 'https://a.example.com/mcp', issuers };
    const paths = ['/mcp', '/.well-known/oauth-protected-resource'];
    expect(await pathsOf({ config: { auth } })).toEqual([paths, paths]);
    expect(await pathsOf({})).toEqual([['/mcp'], ['/mcp']]);
  });
});

describe('an Ingress', () => {
  it.each([
    ['alb', {}, 3605],
    [
      'alb',
      { 'alb.ingress.kubernetes.io/load-balancer-attributes': 'idle_timeout.timeout_seconds=600' },
      605,
    ],
    [
      'alb',
      { 'alb.ingress.kubernetes.io/load-balancer-attributes': 'deletion_protection.enabled=true' },
      undefined,
    ],
    ['nginx', {}, undefined],
  ])(
    'of %s with %o has idle connections kept for longer than its load balancer uses them again',
    async (controller, annotations, seconds) => {
      const ingress = { enabled: true, hosts: ['a.example.com'], controller, annotations };
      const config = one(await render({ values: { ingress } }), 'ConfigMap');
      const [text = ''] = Object.values(config['data'] as Readonly<Record<string, string>>);
      const settings: unknown = parse(text);
      // The server's own default is 75 s.
      expect(at(settings, 'server.keepAliveTimeoutSeconds')).toBe(seconds);
    },
  );

  it('keeps streams open, and the annotations of the operator win', async () => {
    const ingress = { enabled: true, hosts: ['a.example.com'], controller: 'nginx' };
    const annotations = { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '60' };
    const values = { stateKeySecret: { name: 'key' }, ingress: { ...ingress, annotations } };
    const manifest = one(await render({ values }), 'Ingress');
    expect(manifest.metadata.annotations).toEqual({
      'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '60',
      'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
      'nginx.ingress.kubernetes.io/proxy-body-size': '1048576',
    });
  });
});
