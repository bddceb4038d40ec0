import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ZodError } from 'zod';
import { ruleGroups, type Rule } from '../../alerts/source/rules.ts';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import { DURATION_BUCKETS } from '../../src/monitoring/metrics/bounds.ts';
import { ERROR_REASONS, REASONS, REFUSED } from '../../src/tools/reasons.ts';
import { readPromQL, walk, type Expression, type Selector } from './promql.ts';
import { secondsOf } from './series.ts';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'alerts/README.md'), 'utf8');

type Input = Readonly<Record<string, unknown>>;

const rulesOf = (input: Input = {}): readonly Rule[] => ruleGroups(input).flatMap(({ rules }) => rules);
const ruleOf = (input: Input, alert: string, severity = 'warning'): Rule => {
  const found = rulesOf(input).find((rule) => rule.alert === alert && rule.labels?.['severity'] === severity);
  if (!found) throw new Error(`there is no ${alert} ${severity}`);
  return found;
};

/** What is wrong with parameters, as `path: message`. */
function problems(input: Input): readonly string[] {
  try {
    ruleGroups(input);
    return [];
  } catch (error) {
    if (!(error instanceof ZodError)) throw error;
    return error.issues.flatMap((issue) => {
      const found = issue.code === 'invalid_key' ? issue.issues : [issue];
      return found.map(({ message }) => `${issue.path.join('.')}: ${message}`);
    });
  }
}

const problem = (input: Input): string => problems(input).join('\n');

describe('an objective', () => {
  it.each(['availability', 'latency'])(
    'of %s that no failure could miss is refused, with what would do',
    (slo) => {
      expect(problem({ [slo]: { objective: 90 } })).toBe(
        `${slo}.objective: burning 14.4 times a budget of 10.00 % needs more than all calls to fail: it could never fire; raise the objective above 93.06`,
      );
      expect(problem({ [slo]: { objective: 93.05 } })).toContain('it could never fire');
      expect(problems({ [slo]: { objective: 93.06 } })).toEqual([]);
    },
  );

  it('is judged by each pair of windows', () => {
    const pair = (factor: number) => [{ long: 3600, short: 300, factor }];
    expect(problem({ availability: { objective: 50, page: pair(2), ticket: pair(1) } })).toContain(
      'burning 2 times',
    );
    expect(problem({ availability: { objective: 50, page: pair(1.5), ticket: pair(3) } })).toContain(
      'burning 3 times',
    );
    expect(problems({ availability: { objective: 50, page: pair(1.9), ticket: pair(1) } })).toEqual([]);
  });

  it.each([0, 100, 101, -1])('of %d is refused', (objective) => {
    expect(problem({ availability: { objective } })).toMatch(/^availability\.objective: /);
    expect(problem({ latency: { objective } })).toMatch(/^latency\.objective: /);
  });

  it('leaves thresholds that all calls failing cross', () => {
    const rules = rulesOf({ availability: { objective: 93.06 }, latency: { objective: 93.06 } });
    const allowed = rules.flatMap(({ record, expr }) =>
      record?.endsWith(':allowed_ratio') ? [/ \+ (.*)$/.exec(expr)?.[1]] : [],
    );
    expect(allowed).toEqual(['(100 - 93.06) / 100', '(100 - 93.06) / 100']);
    const factors = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/ratio_rate\w+ > (\S+) \* \S+:allowed_ratio/g)].map(([, factor]) => Number(factor)),
    );
    expect(factors.length).toBeGreaterThan(10);
    for (const factor of factors) expect((factor * (100 - 93.06)) / 100).toBeLessThan(1);
  });
});

describe('a latency threshold', () => {
  const highest = Math.max(...DURATION_BUCKETS);
  const more = '; say in durationBuckets which above 10 s the servers have besides';
  const further = [30, 60, 120, 300, 3600];
  const all = [...DURATION_BUCKETS, ...further];

  it.each([highest, 30, 3, 0])('of the objective may not be %d', (thresholdSeconds) => {
    expect(problem({ latency: { thresholdSeconds } })).toBe(
      `latency.thresholdSeconds: must be one of the buckets below the highest: ${DURATION_BUCKETS.slice(0, -1).join(', ')}${more}`,
    );
  });

  it('of the objective must be a bucket, and below the highest one of slow tools', () => {
    for (const thresholdSeconds of [45, 60])
      expect(problem({ durationBuckets: [30, 60], latency: { thresholdSeconds } })).toBe(
        `latency.thresholdSeconds: must be one of the buckets below the highest: ${DURATION_BUCKETS.join(', ')}, 30${more}`,
      );
  });

  it.each(all.slice(0, -1))(
    'of the objective may be %d where the servers have it, and selects that bucket alone',
    (bound) => {
      const [record] = rulesOf({
        durationBuckets: further,
        latency: { thresholdSeconds: bound },
      }).filter(({ record: name }) => name?.includes('slow:ratio'));
      const bucket = selectors(record?.expr ?? '').find(
        ({ name }) => name === 'mcp_tool_duration_seconds_bucket',
      );
      const le = bucket?.matchers.find(({ label }) => label === 'le');
      const [whole, fractions] = [
        all.filter(Number.isInteger),
        all.filter((other) => !Number.isInteger(other)),
      ];
      // Those that a dot as a pattern would take as well.
      const alike = fractions.map((other) => String(other).replace('.', '1'));
      const spellings = [...all, ...whole.map((other) => `${other}.0`), ...alike, '+Inf'].map(String);
      const selected = spellings.filter((spelling) =>
        le?.operator === '=~' ? new RegExp(`^(?:${le.value})$`).test(spelling) : spelling === le?.value,
      );
      expect(selected).toEqual(Number.isInteger(bound) ? [String(bound), `${bound}.0`] : [String(bound)]);
    },
  );

  it('of a tool lies below the highest bucket too', () => {
    const message = `must be below the highest bucket, ${highest} s, or the alert could never fire${more}`;
    expect(problem({ toolLatencySeconds: highest })).toBe(`toolLatencySeconds: ${message}`);
    expect(problem({ tools: { echo: { latencySeconds: highest } } })).toBe(
      `tools.echo.latencySeconds: ${message}`,
    );
    expect(problems({ toolLatencySeconds: 9.9, tools: { echo: { latencySeconds: 9.9 } } })).toEqual([]);
    const slow = { toolLatencySeconds: 30, tools: { report: { latencySeconds: 44 } } };
    expect(problems(slow)).toHaveLength(2);
    expect(problems({ ...slow, durationBuckets: [30, 45] })).toEqual([]);
  });
});

describe('the buckets of slow tools', () => {
  it.each([[[10]], [[60, 30]], [[30, 30]], [['30']], [[1e6]], [30]])('cannot be %j', (durationBuckets) => {
    expect(problem({ durationBuckets })).toMatch(/^durationBuckets/);
  });
});

describe('a service that must exist', () => {
  it.each(['job=~"a.*"', 'namespace="b"', 'other_job="a"'])('cannot be told by %s', (selector) => {
    expect(problem({ mustExist: true, selector })).toMatch(/^mustExist: needs a selector with job="…"/);
    expect(problems({ selector })).toEqual([]);
  });
});

describe('bad reasons', () => {
  it("are those of the table that are the server's fault", () => {
    const faults = REASONS.filter((reason) => ERROR_REASONS[reason].serverFault);
    expect(parametersSchema.parse({}).badReasons).toEqual(faults);
  });

  it('must be in the table', () => {
    expect(problem({ badReasons: ['exception', 'bad_luck'] })).toMatch(/^badReasons\.1: .*"exception"/);
    expect(problem({ badReasons: [] })).toMatch(/^badReasons: /);
  });

  it('are counted wherever errors are, and nothing else is', () => {
    const counted = rulesOf({ badReasons: ['tool_error', 'timeout'] }).flatMap(({ expr }) =>
      selectors(expr)
        .filter(({ name }) => name === 'mcp_tool_errors_total')
        .map(({ matchers }) => matchers.find(({ label }) => label === 'reason')?.value),
    );
    // Alerts of their own: calls refused because the server is full, or for a quota, and tools that only report failures. Calls: all
    // but the refused.
    expect(new Set(counted)).toEqual(
      new Set(['tool_error|timeout', 'tool_error', 'overloaded', 'rate_limited', REFUSED.join('|')]),
    );
  });
});

describe('thresholds of single tools', () => {
  const tools = {
    'a.b': { errorRatio: 0.5, latencySeconds: 9 },
    c: { latencySeconds: 0.2 },
    d: { errorRatio: 0.01 },
    e: {},
  };
  const SETTINGS = [
    ['NexusMCPToolErrorRateHigh', 'nexus_mcp:tool:allowed_error_ratio', 0.1, { 'a.b': 0.5, d: 0.01 }],
    ['NexusMCPToolLatencyHigh', 'nexus_mcp:tool:allowed_latency_seconds', 5, { 'a.b': 9, c: 0.2 }],
  ] as const;

  it.each(SETTINGS)('that %s reads are recorded as %s, for those tools alone', (_alert, name, _, own) => {
    const records = rulesOf({ tools }).filter(({ record }) => record === name);
    const values = records.map(({ labels = {}, expr }) => [labels, Number(/ \+ (\S+)$/.exec(expr)?.[1])]);
    expect(values).toEqual(Object.entries(own).map(([tool_name, value]) => [{ tool_name }, value]));
  });

  it.each(SETTINGS)(
    'are what %s compares with, and the general one where there is no %s',
    (alert, name, general) => {
      const limits = walk(readPromQL(ruleOf({ tools }, alert).expr)).flatMap(({ node }) =>
        node.kind === 'binary' && node.operator === 'or' && selectorsIn(node.left).includes(name)
          ? [node]
          : [],
      );
      expect(limits).toHaveLength(1);
      expect(limits[0]?.right).toMatchObject({ operator: '+', right: { kind: 'number', value: general } });
    },
  );

  it('are recorded in the group of the alerts and before them, so that no evaluation lacks them', () => {
    const { rules = [] } = ruleGroups({ tools }).find(({ name }) => name === 'nexus-mcp.alerts') ?? {};
    expect(rules.map(({ record }) => record?.startsWith('nexus_mcp:tool:') ?? false)).toEqual(
      rules.map((_rule, index) => index < 4),
    );
  });

  it('change nothing when there are none', () => {
    expect(rulesOf({ tools: {} })).toEqual(rulesOf());
    expect(rulesOf({ tools: { echo: {} } })).toEqual(rulesOf());
  });

  it.each(['', 'a b', 'a"b', 'a|b', 'x'.repeat(129)])(
    'are refused for %j, which no tool can be called',
    (name) => {
      expect(problem({ tools: { [name]: { errorRatio: 0.5 } } })).toContain('must be the name of a tool');
    },
  );

  it('have bounds of their own', () => {
    expect(problem({ tools: { echo: { errorRatio: 1 } } })).toMatch(/^tools\.echo\.errorRatio: /);
    expect(problem({ tools: { echo: { latency: 1 } } })).toMatch(/latency/);
  });
});

describe('changes to single alerts', () => {
  it('are refused for an alert that does not exist', () => {
    expect(problem({ alerts: { NexusMCPDwon: { enabled: false } } })).toBe(
      'alerts.NexusMCPDwon: there is no such alert',
    );
    expect(problem({ alerts: { constructor: { enabled: false } } })).toContain(
      'alerts.constructor: there is no such alert',
    );
    expect(problem({ alerts: { NexusMCPDown: { threshold: 1 } } })).toContain('threshold');
  });

  it('switch an alert off, its page and its ticket, and no other', () => {
    const all = rulesOf().flatMap(({ alert }) => alert ?? []);
    for (const name of new Set(all)) {
      const left = rulesOf({ alerts: { [name]: { enabled: false } } }).flatMap(({ alert }) => alert ?? []);
      expect(left).toEqual(all.filter((alert) => alert !== name));
    }
  });

  it('set severity, wait, patience and labels, of that alert alone', () => {
    const input = {
      labels: { team: 'tools', tier: 'gold' },
      alerts: {
        NexusMCPDown: {
          severity: 'warning',
          forSeconds: 90,
          keepFiringForSeconds: 0,
          labels: { tier: 'silver' },
        },
      },
    };
    const { annotations, expr } = ruleOf({}, 'NexusMCPDown', 'critical');
    expect(ruleOf(input, 'NexusMCPDown')).toEqual({
      alert: 'NexusMCPDown',
      expr,
      for: '90s',
      labels: { severity: 'warning', team: 'tools', tier: 'silver' },
      annotations,
    });
    const without = (rules: readonly Rule[]) => rules.filter(({ alert }) => alert !== 'NexusMCPDown');
    expect(without(rulesOf(input))).toEqual(
      without(rulesOf()).map((rule) => ({
        ...rule,
        ...(rule.labels && { labels: { ...rule.labels, team: 'tools', tier: 'gold' } }),
      })),
    );
    expect(
      ruleOf({ alerts: { NexusMCPDown: { forSeconds: 0 } } }, 'NexusMCPDown', 'critical').for,
    ).toBeUndefined();
  });

  it('cannot make a page and a ticket of one name the same alert', () => {
    const names = rulesOf().flatMap(({ alert }) => alert ?? []);
    for (const name of new Set(names)) {
      const isTwin = names.filter((other) => other === name).length > 1;
      expect(problem({ alerts: { [name]: { severity: 'warning' } } })).toBe(
        isTwin ? `alerts.${name}.severity: its page and its ticket would become one alert twice` : '',
      );
    }
  });

  it.each(['labels', 'alerts'])(
    'cannot write labels that Prometheus refuses or that say what an alert is: %s',
    (where) => {
      const labelled = (name: string): Input =>
        where === 'labels'
          ? { labels: { [name]: 'x' } }
          : { alerts: { NexusMCPDown: { labels: { [name]: 'x' } } } };
      for (const name of ['__name__', 'my-team', '1st', ''])
        expect(problem(labelled(name)), name).toMatch(/: must be a label name$/);
      for (const name of ['alertname', 'namespace', 'job', 'instance'])
        expect(problem(labelled(name)), name).toMatch(
          /: alerts are routed, grouped and inhibited by this label/,
        );
      expect(problem(labelled('severity'))).toMatch(/: is a parameter of its own: alerts\.NAME\.severity$/);
      for (const name of ['team', 'Team_2', '_x']) expect(problems(labelled(name)), name).toEqual([]);
    },
  );

  it('may name the cluster of all alerts, and not of one', () => {
    const labels = { cluster: 'east' };
    expect(problems({ labels })).toEqual([]);
    expect(problem({ alerts: { NexusMCPDown: { labels } } })).toMatch(/: alerts are routed/);
  });

  it('have closed severities', () => {
    expect(problem({ alerts: { NexusMCPDown: { severity: 'page' } } })).toMatch(
      /^alerts\.NexusMCPDown\.severity: /,
    );
  });
});

describe('the scale of time', () => {
  const scale = 0.01;

  it('scales every window, wait and interval, and nothing else', () => {
    const scaled = ruleGroups({ timeScale: scale });
    const text = (expr: string): string => expr.replaceAll(WINDOW, '<window>');
    for (const [index, group] of ruleGroups().entries()) {
      const other = scaled[index];
      expect(seconds(other?.interval)).toBeCloseTo(seconds(group.interval) * scale, 6);
      for (const [at, rule] of group.rules.entries()) {
        const twin = other?.rules[at];
        const { expr: short = '', for: shortWait, keep_firing_for: shortKeep, ...rest } = twin ?? {};
        const { expr, for: wait, keep_firing_for: keep, ...same } = rule;
        expect(rest).toEqual(same);
        expect(text(short)).toBe(text(expr));
        expect(windows(short)).toEqual(
          windows(expr).map((window) => expect.closeTo(window * scale, 6) as number),
        );
        expect(seconds(shortWait)).toBeCloseTo(seconds(wait) * scale, 6);
        expect(seconds(shortKeep)).toBeCloseTo(seconds(keep) * scale, 6);
      }
    }
  });

  it('scales the waits that an operator has chosen', () => {
    const rule = ruleOf(
      { timeScale: scale, alerts: { NexusMCPDown: { forSeconds: 600 } } },
      'NexusMCPDown',
      'critical',
    );
    expect(rule.for).toBe('6s');
  });

  it.each([0, -1, 1.5, 1e-5])('cannot be %d', (timeScale) => {
    expect(problem({ timeScale })).toMatch(/^timeScale: /);
  });

  const WINDOW = /(?<=\[|:|offset )\d+(?:ms|[smhd])\b/g;
  const seconds = (time = '0s'): number =>
    time.endsWith('ms') ? Number.parseInt(time) / 1000 : secondsOf(time);
  const windows = (expr: string): readonly number[] =>
    [...expr.matchAll(WINDOW)].map(([time]) => seconds(time));
});

describe('every parameter', () => {
  it('that is no number of the rules is refused', () => {
    for (const [name, value] of Object.entries(parametersSchema.parse({}))) {
      if (typeof value !== 'number') continue;
      for (const wrong of [NaN, Infinity, -1, 0, '1', null]) {
        expect(problem({ [name]: wrong }), `${name} ${String(wrong)}`).not.toBe('');
      }
    }
  });

  it('that is misspelt is refused', () => {
    expect(problem({ outagRatio: 0.5 })).toContain('outagRatio');
    expect(problem({ availability: { objectiv: 99 } })).toContain('objectiv');
  });

  it('of the selector reaches every series of the rules', () => {
    const selector = 'job="a", namespace="b"';
    for (const { expr, alert, record } of rulesOf({ selector })) {
      for (const { name, matchers } of selectors(expr)) {
        if (name.startsWith('nexus_mcp:')) continue;
        const found = matchers.slice(0, 2).map(({ label, operator, value }) => label + operator + value);
        expect(found, `${alert ?? record ?? ''} ${name}`).toEqual(['job=a', 'namespace=b']);
      }
    }
  });

  it('of the links reaches every alert', () => {
    const urls = { runbookBaseUrl: 'https://wiki.example/rb', grafanaBaseUrl: 'https://grafana.example' };
    for (const { alert, annotations = {} } of rulesOf(urls)) {
      if (alert === undefined) continue;
      expect(annotations['runbook_url']).toBe(`https://wiki.example/rb/${alert}.md`);
      expect(annotations['dashboard_url']).toMatch(/^https:\/\/grafana\.example\/d\/nexus-mcp-\w+\?/);
    }
  });
});

const selectors = (expr: string): readonly Selector[] =>
  walk(readPromQL(expr)).flatMap(({ node }) => (node.kind === 'selector' ? [node] : []));

const selectorsIn = (expression: Expression): readonly string[] =>
  walk(expression).flatMap(({ node }) => (node.kind === 'selector' ? [node.name] : []));

describe('make rules', () => {
  const directory = mkdtempSync(join(tmpdir(), 'parameters-'));
  const target = join(directory, 'rules', 'nexus-mcp.rules.yaml');
  const made = (content: string) => {
    const path = join(directory, 'my-alerts.yaml');
    writeFileSync(path, content);
    const args = ['scripts/alert-rules.ts', path, target];
    return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  };

  it('writes the rules with the parameters of a file, as the README shows it', () => {
    const [, example = ''] = /```yaml\n(# my-alerts\.yaml\n[^]*?)```/.exec(README) ?? [];
    const { status, stdout, stderr } = made(example);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(target);
    const { groups } = parse(readFileSync(target, 'utf8')) as {
      groups: readonly { rules: readonly Rule[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules).toEqual(rulesOf(parse(example) as Input));
    expect(rules.some(({ alert }) => alert === 'NexusMCPToolSilent')).toBe(false);
  });

  it.each([
    ['foo: 1\n', /my-alerts\.yaml: the file: Unrecognized key: "foo"\n$/],
    [
      'alerts: {NexusMCPDown: {for: 15m}}\n',
      /alerts\.NexusMCPDown: Unrecognized key: "for"; did you mean forSeconds\?\n$/,
    ],
    ['toolErorRatio: 0.2\n', /the file: Unrecognized key: "toolErorRatio"; did you mean toolErrorRatio\?\n$/],
    ['alerts: {NexusMCPDwon: {}}\n', /my-alerts\.yaml: alerts\.NexusMCPDwon: there is no such alert\n$/],
    ['a: [', /my-alerts\.yaml: is not valid YAML/],
  ])('says what is wrong with a file: %j', (content, says) => {
    const { status, stdout, stderr } = made(content);
    expect(stderr).toMatch(says);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});
