import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../src/', import.meta.url).pathname;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = globSync('**/*.ts', { cwd: SRC }).sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]));
const IMPORT =
  /^(?:import|export)(?<type> type)?\b[^;']*?from '(?<to>[^']+)'|^import '(?<bare>[^']+)'|\bimport\('(?<late>[^']+)'\)/gm;

const imports: readonly Import[] = [...sources].flatMap(([from, text]) =>
  [...text.matchAll(IMPORT)].map(({ groups = {} }) => {
    const target = groups['to'] ?? groups['bare'] ?? groups['late'] ?? '';
    const to = target.startsWith('.') ? normalize(join(dirname(from), target)) : target;
    return { from, to, typeOnly: groups['type'] !== undefined };
  }),
);

/** Plain tables of facts, what a message is, and which names are alike, without imports of their own, that any folder may read. */
const TABLES = [
  'authorization/oauth.ts',
  'tools/near-names.ts',
  'tools/reasons.ts',
  'monitoring/metrics/operation-attributes.ts',
  'monitoring/metrics/bounds.ts',
  'upstream/labels.ts',
  'monitoring/door/json-rpc.ts',
  'monitoring/door/media-type.ts',
  'monitoring/door/message.ts',
  'kubernetes/labels.ts',
];

const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : 'root');
const local = imports.filter(({ to }) => to.endsWith('.ts'));
const show = ({ from, to }: Import): string => `${from} imports ${to}`;

/** What each folder may import of the others; `types` means types alone. */
const MAY_IMPORT: Readonly<Record<string, Readonly<Record<string, 'values' | 'types'>>>> = {
  authorization: {},
  kubernetes: {},
  tools: { authorization: 'values' },
  monitoring: { authorization: 'values', tools: 'types' },
  upstream: { authorization: 'types', tools: 'values', monitoring: 'types' },
  mcp: { authorization: 'values', tools: 'values', monitoring: 'values' },
  http: { authorization: 'values', tools: 'values', monitoring: 'values', upstream: 'types', mcp: 'types' },
  config: { http: 'values' },
  cli: {
    root: 'values',
    authorization: 'values',
    config: 'values',
    mcp: 'values',
    monitoring: 'values',
    tools: 'values',
  },
  root: {
    authorization: 'values',
    upstream: 'values',
    kubernetes: 'values',
    cli: 'values',
    config: 'values',
    http: 'values',
    mcp: 'values',
    monitoring: 'values',
    tools: 'values',
  },
};

/** Which folders may use a package. */
const PACKAGE_HOME: Readonly<Record<string, readonly string[]>> = {
  express: ['http'],
  'prom-client': ['monitoring'],
  '@opentelemetry/api': ['monitoring'],
  '@opentelemetry/context-async-hooks': ['monitoring'],
  '@opentelemetry/core': ['monitoring'],
  '@opentelemetry/exporter-trace-otlp-proto': ['monitoring'],
  '@opentelemetry/resources': ['monitoring'],
  '@opentelemetry/sdk-trace': ['monitoring'],
  '@modelcontextprotocol/server': ['mcp'],
  '@modelcontextprotocol/server/stdio': ['mcp'],
  '@modelcontextprotocol/node': ['mcp'],
  '@modelcontextprotocol/core': ['mcp'],
  '@modelcontextprotocol/client': ['upstream'],
  'eventsource-parser': ['upstream'],
  piscina: ['tools'],
  undici: ['tools', 'upstream', 'kubernetes'],
  '@kubernetes/client-node': ['kubernetes'],
  pino: ['monitoring', 'cli'],
};

describe('the import fences', () => {
  it('let each folder import only what lies below it', () => {
    const breaches = local.filter(({ from, to, typeOnly }) => {
      const [own, other] = [folderOf(from), folderOf(to)];
      const allowed = own === other || TABLES.includes(to) ? 'values' : MAY_IMPORT[own]?.[other];
      return allowed === undefined || (allowed === 'types' && !typeOnly);
    });
    expect(breaches.map(show)).toEqual([]);
  });

  it('keep each package in its folder', () => {
    const breaches = imports.filter(({ from, to }) => PACKAGE_HOME[to]?.includes(folderOf(from)) === false);
    expect(breaches.map(show)).toEqual([]);
  });

  it('load the client of Kubernetes, which is large, only where something needs it', () => {
    const always = [...sources].filter(([, text]) =>
      /^import (?!type\b)[^;]*from '@kubernetes\/client-node'/m.test(text),
    );
    expect(always.map(([file]) => file)).toEqual([]);
    const users = imports.filter(({ to, typeOnly }) => to === 'discovery.ts' && !typeOnly);
    expect(users.map(show)).toEqual(['load-upstreams.ts imports discovery.ts']);
    expect(sources.get('load-upstreams.ts')).toContain("await import('./discovery.ts')");
  });

  it('have no cycles', () => {
    const next = new Map(
      files.map((file) => [file, local.filter(({ from }) => from === file).map(({ to }) => to)]),
    );
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): string | undefined => {
      if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(' -> ');
      if (done.has(file)) return undefined;
      for (const target of next.get(file) ?? []) {
        const cycle = visit(target, [...path, file]);
        if (cycle !== undefined) return cycle;
      }
      done.add(file);
      return undefined;
    };
    expect(files.map((file) => visit(file, [])).filter((cycle) => cycle !== undefined)).toEqual([]);
  });

  it('leave nobody importing main.ts', () => {
    expect(imports.filter(({ to }) => to === 'main.ts').map(show)).toEqual([]);
  });
});

describe('only main.ts', () => {
  it.each(['process.env', 'process.exit', 'process.argv', 'process.on('])('uses %s', (what) => {
    const users = [...sources].filter(([file, text]) => file !== 'main.ts' && text.includes(what));
    // The entry of a thread, which has a `process` of its own.
    const permitted = ['process.on(', 'process.env'].includes(what) ? ['tools/worker.ts'] : [];
    expect(users.map(([file]) => file)).toEqual(permitted);
  });
});

describe('source files', () => {
  it('stay short enough to be read at once', () => {
    const long = [...sources].filter(([, text]) => text.split('\n').length > 260).map(([file]) => file);
    expect(long).toEqual([]);
  });
});
