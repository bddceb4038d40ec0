import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { ruleGroups } from '../../alerts/source/rules.ts';
import { parseMetrics, scrape, type Samples } from '../support/metrics-text.ts';
import { answer, RawUpstream, refuse, type Behaviour } from '../support/raw-upstream.ts';
import { FULL } from '../support/full-file.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { queriesIn, readDocument, runbooks } from './documented-queries.ts';
import { keptLabels, readPromQL, walk, type Expression, type Selector } from './promql.ts';
import { RULES } from './scenario.ts';

const rules = RULES.flatMap((group) => group.rules);
const nodes = rules.flatMap((rule) =>
  walk(readPromQL(rule.expr)).map((found) => ({ ...found, rule: rule.alert ?? rule.record ?? '' })),
);
const selectors = nodes.flatMap(({ node, within, rule }) =>
  node.kind === 'selector' && !node.name.startsWith('nexus_mcp:') ? [{ selector: node, within, rule }] : [],
);

/** What Prometheus writes of every target itself. */
const OF_PROMETHEUS = ['up', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling'];
/** What Prometheus adds to the series of a target, by its configuration. */
const OF_TARGETS = ['cluster', 'namespace', 'job', 'instance'];

const OVER_COUNTERS = ['rate', 'increase'];
const OVER_GAUGES = [
  'min_over_time',
  'max_over_time',
  'avg_over_time',
  'quantile_over_time',
  'changes',
  undefined,
];

describe('the rules and /metrics', () => {
  let server: TestServer;
  let samples: Samples;
  let text: string;
  let types: ReadonlyMap<string, string>;

  const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
  const token = 'the-only-token-that-is-right';
  const execute = (tool: string, args: object = {}) =>
    server.execute(tool, args, { headers: { authorization: `Bearer ${token}` } });

  const upstream = new RawUpstream();

  /** Has an upstream list a name twice, describe a tool otherwise, and fail calls in every way. */
  async function callInVain(): Promise<void> {
    let reads = 0;
    const tool = { name: 'works', inputSchema: { type: 'object' } };
    upstream.behaviour['tools/list'] = (message, response) => {
      const description = `Read ${(reads += 1)} times.`;
      answer(response, message, { tools: [{ ...tool, description }, tool] });
    };
    const inVain: readonly Behaviour[] = [
      (message, response) => refuse(response, message, -32_603),
      () => undefined,
      (_message, response) => response.writeHead(503).end(),
    ];
    await waitFor(async () => {
      expect((await scrape(server.url)).value('mcp_upstream_definition_changes_total')).toBeGreaterThan(0);
    });
    for (const behave of inVain) {
      upstream.behaviour['tools/call'] = behave;
      await execute('weather_works');
    }
    upstream.behaviour['ping'] = upstream.behaviour['tools/list'] = (_message, response) =>
      response.writeHead(503).end();
    await waitFor(() => {
      expect(
        server.logs.some(({ state }) => state === 'down' || state === 'open' || state === 'degraded'),
      ).toBe(true);
    });
  }

  /** Keeps one session in use, and asks for another, for which there is no place. */
  async function askForTooManySessions(): Promise<void> {
    const url = `${server.url}/mcp`;
    const authorization = `Bearer ${token}`;
    const clientInfo = { name: 'raw', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const initialize = () =>
      fetch(url, {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      });
    const opened = await initialize();
    await opened.text();
    const stream = await fetch(url, {
      headers: {
        authorization,
        accept: 'text/event-stream',
        'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
        'mcp-protocol-version': '2025-11-25',
      },
    });
    expect(stream.status).toBe(200);
    const refused = await initialize();
    expect(refused.status).toBe(503);
    await refused.text();
    await stream.body?.cancel();
  }

  beforeAll(async () => {
    // Half a minute passes at once when the token file is to be looked at.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    writeFileSync(tokensFile, `- {name: ci, token: ${token}}\n`);
    const upstreams = [{ name: 'weather', url: await upstream.listen(), timeoutSeconds: 1 }];
    const discovery = { enabled: true };
    const issuers = [{ issuer: 'http://127.0.0.1:9' }];
    const auth = { tokensFile, issuers, resource: 'http://localhost/mcp' };
    // Of which nothing can be written.
    const audit = { enabled: true, file: FULL };
    const settings = { auth, sessions: { max: 1 }, upstreams, discovery, audit };
    server = await startTestServer(settings, undefined, { listAtMost: 0.05 });
    await execute('throws');
    await execute('echo', { text: 'hi' });
    await callInVain();
    await askForTooManySessions();
    text = await (await fetch(`${server.url}/metrics`)).text();
    samples = parseMetrics(text);
    types = new Map(
      [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]),
    );
  });
  afterAll(async () => {
    vi.useRealTimers();
    await server.stop();
    await upstream.close();
  });

  /** The type of the family a series is of. */
  const typeOf = (name: string): string | undefined => {
    const family = /^(.*)_(?:bucket|count|sum)$/.exec(name)?.[1] ?? '';
    return types.get(name) ?? (types.get(family) === 'histogram' ? 'histogram' : undefined);
  };

  it('agree on the names of metrics', () => {
    const missing = selectors.filter(
      ({ selector: { name } }) => !OF_PROMETHEUS.includes(name) && samples.select(name).length === 0,
    );
    expect(missing.map(({ rule, selector }) => `${rule}: ${selector.name}`)).toEqual([]);
  });

  it('agree on what grows and what goes up and down', () => {
    const wrong = selectors.filter(({ selector: { name }, within }) => {
      const type = OF_PROMETHEUS.includes(name) ? 'gauge' : typeOf(name);
      return type === 'gauge' ? !OVER_GAUGES.includes(within) : !OVER_COUNTERS.includes(within ?? '');
    });
    expect(wrong.map(({ rule, selector, within }) => `${rule}: ${within ?? ''} ${selector.name}`)).toEqual(
      [],
    );
  });

  it('agree on labels and on the values that are selected', () => {
    const wrong = selectors.flatMap(({ selector: { name, matchers }, rule }) =>
      matchers.flatMap(({ label, operator, value }) => {
        if (OF_TARGETS.includes(label)) return [];
        const values = samples.select(name).map(({ labels }) => labels[label]);
        const wanted = operator === '=' ? [value] : value.split('|');
        return wanted
          .filter((one) => !values.some((found) => new RegExp(`^(?:${one})$`).test(found ?? '')))
          .map((one) => `${rule}: ${name}{${label}="${one}"}`);
      }),
    );
    expect(wrong).toEqual([]);
  });

  it('agree on the labels that sums keep', () => {
    const wrong = nodes.flatMap(({ node, rule }) =>
      node.kind === 'aggregation'
        ? node.by.filter((label) => !labelsOf(node).has(label)).map((label) => `${rule}: ${label}`)
        : [],
    );
    expect(wrong).toEqual([]);
  });

  it('agree on the label that a text names', () => {
    for (const { alert, expr, annotations = {} } of rules) {
      if (alert === undefined) continue;
      const used = [...(annotations['description'] ?? '').matchAll(/\$labels\.(\w+)/g)].map(
        ([, label = '']) => label,
      );
      const kept = keptLabels(readPromQL(expr), labelsOfSeries);
      expect(
        used.filter((label) => !kept.has(label)),
        alert,
      ).toEqual([]);
    }
  });

  /** Labels of the series within an expression. */
  function labelsOf(expression: Expression): ReadonlySet<string> {
    const names = walk(expression).flatMap(({ node }) => (node.kind === 'selector' ? [node.name] : []));
    return new Set(names.flatMap((name) => [...labelsOfSeries(name)]));
  }

  const labelsOfSeries = (name: string): ReadonlySet<string> =>
    name.startsWith('nexus_mcp:')
      ? new Set(['cluster', 'namespace', 'job', ...(name.startsWith('nexus_mcp:tool:') ? ['tool_name'] : [])])
      : new Set([...OF_TARGETS, ...samples.select(name).flatMap(({ labels }) => Object.keys(labels))]);

  it('leave no count of failures without a rule', () => {
    const read = new Set(selectors.map(({ selector }: { selector: Selector }) => selector.name));
    const failures = [...types].filter(
      ([name, type]) =>
        type === 'counter' && /^mcp_.*_(?:errors|failures|restarts|not_found)_total$/.test(name),
    );
    expect(failures.length).toBeGreaterThan(3);
    // Single failures to list Services hurt nobody: what comes of many is the age that NexusMCPDiscoveryStale reads.
    read.add('mcp_discovery_errors_total');
    expect(failures.map(([name]) => name).filter((name) => !read.has(name))).toEqual([]);
  });

  it('agree with /metrics on the lines that commands pick, in descriptions and in runbooks', () => {
    const descriptions = rules.map(({ annotations }) => annotations?.['description'] ?? '');
    const patterns = [...descriptions, ...runbooks().map((runbook) => runbook.text)].flatMap((said) =>
      [...said.matchAll(/grep -E '\^\((.+?)\|\[\{\]"error"\)'|^ *metrics '?([^'\n]+)/gm)].map(
        ([, described, pasted = '']) => described ?? pasted,
      ),
    );
    expect(patterns.length).toBeGreaterThan(10);
    // What is counted from the first time on, and what is not 0, may not be there yet.
    const names = patterns.flatMap((pattern) =>
      pattern.replaceAll(/ \[1-9\]|\.\*subscriptions\/listen/g, '').split(/\|(?![^(]*\))/),
    );
    expect(names.filter((name) => !new RegExp(`^(?:${name})`, 'm').test(text))).toEqual([]);
  });

  it('agree with the log on what to search for', async () => {
    await execute('spins');
    writeFileSync(tokensFile, 'no list');
    vi.advanceTimersByTime(30_000);
    const lines = server.logs.map((line) => JSON.stringify(line));
    const searches = rules.flatMap(({ annotations }) =>
      [
        ...(annotations?.['description'] ?? '').matchAll(
          /kubectl [^|]*logs .*?\{\{ end \}\} ((?:\| grep (?:-v )?(?:'[^']+'|\S+) ?)+)/g,
        ),
      ].map(([, greps = '']) =>
        [...greps.matchAll(/grep (?!-v)(?:'([^']+)'|(\S+))/g)].map(([, quoted, bare = '']) =>
          (quoted ?? bare)
            .replace('{{ $labels.tool_name }}', 'throws')
            .replace('{{ $labels.upstream }}', 'weather'),
        ),
      ),
    );
    expect(searches.length).toBeGreaterThan(5);
    for (const patterns of searches) {
      // Reasons, and so in the lines that have one.
      if (patterns.some((pattern) => ['rate_limited', 'tool_error'].includes(pattern))) continue;
      // Audit events go to a file here, and no connection is cut.
      if (patterns.some((pattern) => ['auth_failure', 'connection cut'].includes(pattern))) continue;
      expect(
        lines.filter((line) => patterns.every((pattern) => line.includes(pattern))),
        patterns.join(),
      ).not.toEqual([]);
    }
  });
});

describe('the documents', () => {
  const texts = [...['alerts/README.md', 'alerts/runbooks/README.md'].map(readDocument), ...runbooks()];

  it('show only overrides that the rules take', () => {
    const overrides = texts.flatMap(({ path, text }) =>
      [...text.matchAll(/(NexusMCP\w+): (\{ \w+: (?:\d+|true|false|'\w+') \})/g)].map(
        ([, name = '', override = '']) => ({ path, alerts: { [name]: parse(override) as unknown } }),
      ),
    );
    expect(overrides.length).toBeGreaterThan(2);
    for (const { path, alerts } of overrides) expect(() => ruleGroups({ alerts }), path).not.toThrow();
  });

  it('hold one query a block, because Prometheus takes no two at once', () => {
    const several = texts.flatMap(({ path, text }) =>
      [...text.matchAll(/^ *```promql\n[^]*?^ *```$/gm)]
        .map(([block]) => queriesIn({ path, text: block }))
        .filter((queries) => queries.length !== 1)
        .map((queries) => `${path}: ${queries.map(({ query }) => query).join('; ')}`),
    );
    expect(several).toEqual([]);
  });

  it('say for whom it is, where they look for calls in the log', () => {
    const nameless = runbooks().flatMap(({ path, text }) =>
      [...text.matchAll(/^ *logs [^]*?(?=\n *```|\n *logs )/gm)]
        .map(([command]) => command)
        .filter((command) => /\.reason|\.run_seconds/.test(command) && !command.includes('caller'))
        .filter((command) => !/\.issuer|\.namespace|worker thread|connection cut|grep -c/.test(command))
        .map((command) => `${path}: ${command}`),
    );
    expect(nameless).toEqual([]);
  });

  it('begin with a command; with a query only where nobody but Prometheus knows the answer', () => {
    const asksPrometheus = runbooks().flatMap(({ path, text }) => {
      const [, first] = /## Diagnosis\n[^]*?```(\w+)/.exec(text) ?? [];
      return first === 'sh' ? [] : [path.replace(/.*NexusMCP|\.md$/g, '')];
    });
    expect(asksPrometheus).toEqual(['ErrorBudgetExhausted', 'RecordsMissing']);
  });

  it('ask the server itself first, where the alert pages and the server knows the answer', () => {
    const pages = new Set(
      rules.flatMap(({ alert, labels }) => (labels?.['severity'] === 'critical' ? (alert ?? []) : [])),
    );
    pages.delete('NexusMCPDown');
    // Its status does not look at the event loop; the first step looks into the process.
    pages.delete('NexusMCPEventLoopBlocked');
    expect(pages.size).toBe(4);
    for (const alert of pages) {
      const { text } = readDocument(`alerts/runbooks/${alert}.md`);
      const [, first] = /## Diagnosis\n[^]*?```sh\n +(\w+)/.exec(text) ?? [];
      expect(first, alert).toBe('status');
    }
  });

  it('say where the names in their commands are set', () => {
    for (const { path, text } of runbooks()) {
      const diagnosis = text.slice(text.indexOf('## Diagnosis'), text.indexOf('## Mitigation'));
      const commands = [...diagnosis.matchAll(/```sh\n([^]*?)```/g)]
        .map(([, command = '']) => command)
        .join('');
      if (!/\$NS|\$HOST|^ *(?:logs|status|failures|run|pods|check)\b/m.test(commands)) continue;
      expect(diagnosis, path).toMatch(/\(README\.md#before-you-paste\)|`NS` is the alert's namespace/);
    }
  });
});

describe('the runbooks', () => {
  const directory = new URL('../../alerts/runbooks/', import.meta.url);
  const alerts = [...new Set(rules.flatMap(({ alert }) => alert ?? []))].sort();

  it('are one for each alert, and of no other', () => {
    expect(readdirSync(directory).sort()).toEqual([...alerts.map((name) => `${name}.md`), 'README.md']);
  });

  it.each(alerts)('lead from %s to meaning, impact, diagnosis and mitigation', (name) => {
    const file = new URL(`${name}.md`, directory);
    expect(existsSync(file)).toBe(true);
    const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(expect.arrayContaining([name, 'Meaning', 'Impact', 'Diagnosis', 'Mitigation']));
  });

  it.each([
    ...new Set(rules.flatMap(({ alert, labels }) => (labels?.['severity'] === 'info' ? [] : (alert ?? [])))),
  ])('say how one sees that %s is over', (name) => {
    const [, mitigation = ''] = readFileSync(new URL(`${name}.md`, directory), 'utf8').split(
      '\n## Mitigation\n',
    );
    expect(mitigation).toContain('\nIt is over when ');
  });

  it.each(alerts)('say of %s that the chart has other names for what is tuned', (name) => {
    const [, tuning = ''] = readFileSync(new URL(`${name}.md`, directory), 'utf8').split('\n## Tuning\n');
    expect(tuning).toContain('(../README.md#with-the-chart)');
  });
});
