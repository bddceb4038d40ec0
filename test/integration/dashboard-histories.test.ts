import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { promtool, stopPromtool } from '../alerts/promtool.ts';
import { COMMITTED, type Target } from '../dashboards/committed.ts';
import { interpolate } from '../dashboards/interpolate.ts';

/** What a panel, or a mark in all graphs, shows at a time: values by labels. */
interface Shown {
  readonly at: string;
  readonly query: string;
  readonly samples: readonly { readonly labels: string; readonly value: number }[];
}

/** What happened to services, scraped every 30 s, in promtool's notation, and what is to be seen of it. */
interface History {
  readonly name: string;
  readonly series: Readonly<Record<string, string>>;
  readonly shows: readonly Shown[];
}

const QUERIES: ReadonlyMap<string, string> = new Map(
  COMMITTED.flatMap(({ targets, variables, dashboard }) => [
    ...targets.map(({ place, expr }) => [place, interpolate(expr, variables)] as const),
    ...(dashboard.annotations.list ?? []).map(
      ({ name, target }) => [name, interpolate((target as unknown as Target).expr, variables)] as const,
    ),
  ]),
);

const build = (job: string, version = '1'): string =>
  `mcp_build_info{job="${job}", instance="${job}:1", version="${version}", revision="r"}`;
const up = (job: string, instance = 1): string => `up{job="${job}", instance="${job}:${instance}"}`;
const number = (value: number) => [{ labels: '{}', value }];

const OVERVIEW = 'nexus-mcp-overview';

const HISTORIES: readonly History[] = [
  {
    name: 'an instance that was away for seven minutes is no deploy, a new version is one',
    series: {
      [build('away')]: '1x19 stale _x13 1x20',
      [build('new')]: '1x33 stale',
      [build('new', '2')]: '_x34 1x20',
    },
    shows: [
      { at: '9m', query: 'Deploys', samples: [] },
      {
        at: '19m',
        query: 'Deploys',
        samples: [{ labels: '{job="new", version="2", revision="r"}', value: 1 }],
      },
    ],
  },
  {
    name: 'a service of which no instance is up is counted, beside one that is well',
    series: {
      [build('well')]: '1x60',
      [build('failing')]: '1x60',
      [build('gone')]: '1x60',
      [up('well')]: '1x60',
      [up('failing', 1)]: '1x19 0x40',
      [up('failing', 2)]: '1x19 0x40',
      [up('gone')]: '1x19 stale',
    },
    shows: [
      { at: '5m', query: `${OVERVIEW}: How many instances? C`, samples: number(0) },
      { at: '20m', query: `${OVERVIEW}: How many instances? A`, samples: number(1) },
      { at: '20m', query: `${OVERVIEW}: How many instances? B`, samples: number(2) },
      { at: '20m', query: `${OVERVIEW}: How many instances? C`, samples: number(2) },
    ],
  },
  {
    name: 'neither a busy service nor a flood of refused calls hides one whose calls all fail',
    series: {
      'mcp_tool_calls_total{job="busy", instance="a", tool_name="echo", status="success"}': '0+1000x60',
      'mcp_tool_errors_total{job="busy", instance="a", tool_name="echo", reason="exception"}': '0x60',
      'mcp_tool_calls_total{job="hurt", instance="b", tool_name="echo", status="success"}': '0x60',
      'mcp_tool_calls_total{job="hurt", instance="b", tool_name="echo", status="error"}': '0+1010x60',
      'mcp_tool_errors_total{job="hurt", instance="b", tool_name="echo", reason="exception"}': '0+10x60',
      'mcp_tool_errors_total{job="hurt", instance="b", tool_name="echo", reason="invalid_arguments"}':
        '0+1000x60',
    },
    shows: [
      { at: '20m', query: `${OVERVIEW}: Is anyone hurt? A`, samples: number(1) },
      {
        at: '20m',
        query: 'nexus-mcp-tools: How large a share fails? A',
        samples: [
          { labels: '{job="busy", tool_name="echo"}', value: 0 },
          { labels: '{job="hurt", tool_name="echo"}', value: 1 },
        ],
      },
    ],
  },
  {
    name: 'refused calls do not look as if a stuck instance finished some',
    series: {
      'mcp_tool_calls_in_flight{job="a", instance="a", tool_name="slow"}': '3x60',
      'mcp_tool_calls_total{job="a", instance="a", tool_name="slow", status="success"}': '5x60',
      'mcp_tool_calls_total{job="a", instance="a", tool_name="slow", status="error"}': '0+100x60',
      'mcp_tool_errors_total{job="a", instance="a", tool_name="slow", reason="rate_limited"}': '0+100x60',
      'mcp_tool_errors_total{job="a", instance="a", tool_name="slow", reason="exception"}': '0x60',
    },
    shows: [
      {
        at: '20m',
        query: 'nexus-mcp-tools: Is it stuck? A',
        samples: [{ labels: '{job="a", instance="a"}', value: 3 }],
      },
      {
        at: '20m',
        query: 'nexus-mcp-tools: Is it stuck? B',
        samples: [{ labels: '{job="a", instance="a"}', value: 0 }],
      },
    ],
  },
  {
    name: 'a stdio server, with its one session, does not look full',
    series: {
      'mcp_active_sessions{job="stdio", instance="a"}': '1x60',
      'mcp_sessions_limit{job="stdio", instance="a"}': '1x60',
      'mcp_active_sessions{job="http", instance="b"}': '50x60',
      'mcp_sessions_limit{job="http", instance="b"}': '100x60',
    },
    shows: [
      {
        at: '20m',
        query: 'nexus-mcp-fleet: How much room is there for sessions? A',
        samples: [{ labels: '{job="http", instance="b"}', value: 0.5 }],
      },
    ],
  },
  {
    name: 'sessions add up where one replica opens them, and both take them up and let them go',
    series: {
      'mcp_sessions_opened_total{job="a", instance="a", transport="http"}': '0+2x130',
      'mcp_sessions_resumed_total{job="a", instance="a", transport="http"}': '0x130',
      'mcp_sessions_resumed_total{job="a", instance="b", transport="http"}': '0+3x130',
      'mcp_sessions_closed_total{job="a", instance="a", transport="http", reason="evicted"}': '0+1x130',
      'mcp_sessions_closed_total{job="a", instance="b", transport="http", reason="idle"}': '0+2x130',
      'mcp_active_sessions{job="a", instance="a"}': '0+1x130',
      'mcp_active_sessions{job="a", instance="b"}': '0+1x130',
    },
    shows: [
      { at: '65m', query: 'nexus-mcp-fleet: Do sessions add up? A', samples: number(240) },
      { at: '65m', query: 'nexus-mcp-fleet: Do sessions add up? B', samples: number(240) },
    ],
  },
];

const fileOf = (index: number): string => `${index}.yaml`;

const unitTest = ({ name, series, shows }: History): string =>
  stringify({
    tests: [
      {
        name,
        interval: '30s',
        input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
        promql_expr_test: shows.map(({ at, query, samples }) => ({
          expr: QUERIES.get(query) ?? `there is no query ${query}`,
          eval_time: at,
          exp_samples: samples,
        })),
      },
    ],
  });

const outputs: string[] = [];

beforeAll(async () => {
  const files = Object.fromEntries(HISTORIES.map((history, index) => [fileOf(index), unitTest(history)]));
  for (const index of HISTORIES.keys()) {
    const { exitCode, output } = await promtool(['test', 'rules', fileOf(index)], files);
    outputs.push(exitCode === 0 ? '' : output);
  }
});
afterAll(stopPromtool);

it.each(HISTORIES.map(({ name }, index) => [name, index] as const))('%s', (_name, index) => {
  expect(outputs[index]).toBe('');
});
