import { describe, expect, it } from 'vitest';
import { ANNOTATION, chooseUpstreams, OWN_ANNOTATIONS, type Rules } from '../../src/found-upstreams.ts';
import { readService, type Service } from '../../src/kubernetes/service.ts';
import { serviceOf, type GivenService } from '../support/kubernetes-api.ts';

const RULES: Rules = {
  taken: new Set(['calculator', 'add', 'static']),
  prefixes: ['bank_', ''],
  ownHosts: ['nexus-mcp', 'nexus-mcp.tools.svc'],
  most: 3,
  timeoutSeconds: 10,
  maxConcurrency: 64,
};

function service(given: GivenService): Service {
  const read = readService(serviceOf(given), OWN_ANNOTATIONS);
  if (!read) throw new Error('is no Service');
  return read;
}

const choose = (...given: readonly GivenService[]) => chooseUpstreams(given.map(service), RULES);
const urlOf = (given: Omit<GivenService, 'name'>): string | undefined =>
  choose({ name: 'weather', ...given }).specs[0]?.url;
const refusalOf = (given: GivenService): string => {
  const { specs, refused } = choose(given);
  expect(specs).toEqual([]);
  return [refused[0]?.outcome, refused[0]?.why].join(': ');
};

const port = (name: string, number: number, appProtocol?: string, protocol = 'TCP') => ({
  name,
  port: number,
  protocol,
  ...(appProtocol !== undefined && { appProtocol }),
});

describe('a Service becomes an upstream', () => {
  it('at its cluster IP, under its own name, with what is safe', () => {
    expect(choose({ name: 'weather' })).toEqual({
      specs: [
        {
          name: 'weather',
          url: 'http://127.0.0.1:8000/mcp',
          prefix: 'weather_',
          headers: { host: 'weather.tools.svc:8000' },
          ca: undefined,
          tools: { include: ['*'], exclude: [] },
          timeoutSeconds: 10,
          maxConcurrency: 64,
          trustReasons: false,
        },
      ],
      refused: [],
    });
  });

  it('as its annotations say', () => {
    const annotations = { [ANNOTATION.name]: 'wx', [ANNOTATION.prefix]: 'w', [ANNOTATION.path]: '/a/b' };
    expect(choose({ name: 'weather', annotations }).specs[0]).toMatchObject({
      name: 'wx',
      prefix: 'w',
      url: 'http://127.0.0.1:8000/a/b',
    });
    expect(choose({ name: 'weather', annotations: { [ANNOTATION.name]: 'wx' } }).specs[0]?.prefix).toBe(
      'wx_',
    );
  });

  it('over IPv6, too, and is told no port that is the usual one', () => {
    const spec = { clusterIP: 'fd00::1', ports: [port('', 80)] };
    expect(choose({ name: 'weather', spec }).specs[0]).toMatchObject({
      url: 'http://[fd00::1]:80/mcp',
      headers: { host: 'weather.tools.svc' },
    });
  });

  it.each([
    ['the only one', [port('web', 1)], 1],
    ['the only one over TCP', [port('web', 1), port('dns', 2, undefined, 'UDP')], 1],
    ['the one that is named so', [port('web', 1), port('mcp', 2), port('a', 3, 'mcp')], 2],
    ['the one that speaks it', [port('web', 1), port('a', 2, 'mcp')], 2],
    ['the one that speaks it by another name', [port('web', 1), port('a', 2, 'kgateway.dev/mcp')], 2],
  ])('at the port that is for MCP: %s', (_what, ports, expected) => {
    expect(urlOf({ spec: { ports } })).toBe(`http://127.0.0.1:${expected}/mcp`);
  });
});

describe('a Service is no upstream', () => {
  it.each([
    [{ type: 'ExternalName', externalName: 'example.com', clusterIP: '' }, /^address: .*ExternalName/],
    [{ clusterIP: 'None' }, /^address: .*headless/],
    [{ clusterIP: '' }, /^address: .*no cluster IP/],
    [{ clusterIP: 'fe80::1%eth0' }, /^address: /],
    [{ ports: [] }, /^port: it has no TCP port/],
    [{ ports: [port('mcp', 70_000)] }, /^port: it has no TCP port/],
    [{ ports: [port('mcp', 1.5)] }, /^port: it has no TCP port/],
    [{ ports: [port('dns', 53, undefined, 'UDP')] }, /^port: it has no TCP port/],
    [{ ports: [port('a', 1), port('b', 2)] }, /^port: it has 2 ports/],
    [{ ports: [port('a', 1, 'mcp'), port('b', 2, 'x.io/mcp')] }, /^port: it has 2 ports/],
    [{ ports: [port('a', 443, 'HTTPS')] }, /^port: .*caFile/],
  ])('where it cannot be told whom to ask: %j', (spec, told) => {
    expect(refusalOf({ name: 'weather', spec })).toMatch(told);
  });

  it.each([
    [ANNOTATION.path, 'mcp'],
    [ANNOTATION.path, '/mcp?x=1'],
    [ANNOTATION.path, '/a/../b'],
    [ANNOTATION.path, '/a/..'],
    [ANNOTATION.path, '/%2e%2e/'],
    [ANNOTATION.path, '//evil.example/mcp#'],
    [ANNOTATION.path, '@evil.example/mcp'],
    [ANNOTATION.path, ''],
    [ANNOTATION.prefix, ''],
    [ANNOTATION.path, `/${'x'.repeat(512)}`],
    [ANNOTATION.prefix, 'a b'],
    [ANNOTATION.prefix, 'x'.repeat(49)],
  ])('where an annotation is none: %s: %s', (annotation, text) => {
    expect(refusalOf({ name: 'weather', annotations: { [annotation]: text } })).toMatch(
      new RegExp(`^annotation: ${annotation}`),
    );
  });

  it.each([
    ['prefx', /^annotation: there is no nexus-mcp\.io\/prefx; did you mean nexus-mcp\.io\/prefix\?$/],
    ['Path', /did you mean nexus-mcp\.io\/path\?$/],
    [
      'timeout',
      /no nexus-mcp\.io\/timeout; there are nexus-mcp\.io\/name, nexus-mcp\.io\/prefix, nexus-mcp\.io\/path$/,
    ],
    ['x'.repeat(1000), /^annotation: there is no nexus-mcp\.io\/x{499}…; there are/],
  ])('where an annotation is of ours, and there is no such: %s', (name, told) => {
    const annotations = { 'kubectl.kubernetes.io/a': '{}', [`nexus-mcp.io/${name}`]: '/mcp' };
    expect(refusalOf({ name: 'weather', annotations })).toMatch(told);
  });

  it('but not for the label, as an annotation, nor for those of others', () => {
    const annotations = { 'nexus-mcp.io/upstream': 'true', 'other.io/prefx': 'a', 'nexus-mcp.iox/a': 'b' };
    expect(choose({ name: 'weather', annotations }).refused).toEqual([]);
  });

  it.each([[{ name: 'x'.repeat(41) }], [{ name: 'weather', annotations: { [ANNOTATION.name]: 'Weather' } }]])(
    'where its name is none: %j',
    (given) => {
      expect(refusalOf(given)).toMatch(/^name: its name, or nexus-mcp\.io\/name: /);
    },
  );

  it('where it is that of this server', () => {
    expect(refusalOf({ name: 'nexus-mcp' })).toMatch(/^own: /);
    expect(choose({ name: 'nexus-mcp', namespace: 'others' }).specs).toHaveLength(1);
  });

  it.each(['calculator', 'add', 'static'])('where its name is taken here: %s', (name) => {
    expect(refusalOf({ name })).toMatch(/^name_taken: /);
  });
});

it.each(['bank_', 'bank_of_', 'ban'])(
  'a Service cannot have its tools begin with %s, as those of an upstream of the settings might',
  (prefix) => {
    const annotations = { [ANNOTATION.prefix]: prefix };
    expect(refusalOf({ name: 'intruder', annotations })).toMatch(/^name_taken: .* begin with bank_$/);
  },
);

describe('of several Services', () => {
  const at = (second: number): string => `2026-11-01T00:00:0${second}Z`;

  it('the oldest has the beginning of tools that they claim', () => {
    const annotations = { [ANNOTATION.prefix]: 'weather_' };
    const { specs, refused } = choose(
      { name: 'weather', createdAt: at(2) },
      { name: 'other', createdAt: at(1), annotations },
    );
    expect(specs.map(({ name }) => name)).toEqual(['other']);
    expect(refused.map(({ service, outcome }) => [service, outcome])).toEqual([
      ['tools/weather', 'name_taken'],
    ]);
  });

  it('the oldest has the name that they claim, whatever comes first', () => {
    const young = { name: 'weather', namespace: 'a', createdAt: at(2) };
    const old = { name: 'weather', namespace: 'b', createdAt: at(1) };
    for (const given of [
      [young, old],
      [old, young],
    ]) {
      const { specs, refused } = choose(...given);
      expect(specs.map(({ headers }) => headers)).toEqual([{ host: 'weather.b.svc:8000' }]);
      expect(refused).toEqual([
        { service: 'a/weather', outcome: 'name_taken', why: 'b/weather, which is older, is weather' },
      ]);
    }
  });

  it('of one second, the name tells', () => {
    const { specs } = choose({ name: 'weather', namespace: 'b' }, { name: 'weather', namespace: 'a' });
    expect(specs.map(({ headers }) => headers)).toEqual([{ host: 'weather.a.svc:8000' }]);
  });

  it('one that is refused holds no name', () => {
    const broken = { name: 'weather', createdAt: at(1), spec: { ports: [] } };
    const { specs } = choose(broken, { name: 'weather', namespace: 'b', createdAt: at(2) });
    expect(specs).toHaveLength(1);
  });

  it('the oldest are taken when there are too many, and the others are counted', () => {
    const given = [5, 1, 4, 2, 3].map((second) => ({ name: `s${second}`, createdAt: at(second) }));
    const { specs, refused } = choose(...given);
    expect(specs.map(({ name }) => name)).toEqual(['s1', 's2', 's3']);
    expect(refused.map(({ service, outcome }) => `${service} ${outcome}`)).toEqual([
      'tools/s4 limit',
      'tools/s5 limit',
    ]);
  });
});
