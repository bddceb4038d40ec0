import { logs, slowCalls, status } from '../commands.ts';
import { info, page, ticket, type Scenario } from '../scenario.ts';
import { counter, gauge, once } from '../series.ts';
import { calls, server, tool, type Tool } from '../server.ts';

const busy = tool('clock', calls('success', counter({ perSecond: 20 })));

/** A tool whose calls are in flight for a while, of which none finishes meanwhile. */
const stuck = (name: string, from: string, until: string): Tool => ({
  ...tool(
    name,
    calls('success', counter({ perSecond: 1, until: from }, { perSecond: 0, until }, { perSecond: 1 })),
  ),
  inFlight: gauge({ is: 0, until: from }, { is: 3, until }, { is: 0 }),
});

/** A tool that always has calls in flight, and finishes them. */
const occupied = (name: string): Tool => ({
  ...tool(name, calls('success', counter({ perSecond: 2 }))),
  inFlight: gauge({ is: 5 }),
});

export const toolScenarios: readonly Scenario[] = [
  {
    name: 'a fifth of the calls of a tool fails, hidden in the others',
    about: ['NexusMCPToolErrorRateHigh'],
    series: server({
      tools: [
        busy,
        tool(
          'echo',
          calls('success', counter({ perSecond: 0.4 })),
          calls(
            'exception',
            counter({ perSecond: 0, until: '20m' }, { perSecond: 0.1, until: '40m' }, { perSecond: 0 }),
          ),
        ),
      ],
    }),
    fires: {
      '20m': [],
      // A fifth of the calls of a quarter of an hour is over a tenth after half of it.
      '30m': [],
      '35m': [ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })],
      '40m': [
        ticket(
          'NexusMCPToolErrorRateHigh',
          { tool_name: 'echo' },
          {
            says: ({ text, n }) =>
              `20% of the calls of echo on ${text} failed through the server's fault in the last 15 minutes. Agents that need the tool are stuck. First: ${status(n, 'if .activity then .verdict.detail, (.activity.tools[] | select(.name == "echo") | {name, calls, errors, p95_seconds}) else . end')}`,
            dashboard: 'tools',
          },
        ),
      ],
      '56m': [ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })],
      '1h4m': [],
    },
  },
  {
    name: 'a twentieth of the calls of a tool fails, and another reports failures',
    about: ['NexusMCPToolErrorRateHigh'],
    series: server({
      tools: [
        busy,
        tool(
          'echo',
          calls('success', counter({ perSecond: 1.9 })),
          calls('exception', counter({ perSecond: 0.1 })),
        ),
        tool('fetch', calls('tool_error', counter({ perSecond: 5 }))),
      ],
    }),
    fires: { '10m': [], '30m': [] },
  },
  {
    name: 'a tool that used to work reports nothing but failures for most of an hour',
    about: ['NexusMCPToolAlwaysFails', 'NexusMCPToolErrorRateHigh'],
    series: server({
      tools: [
        busy,
        tool(
          'echo',
          calls(
            'success',
            counter({ perSecond: 1, until: '30m' }, { perSecond: 0, until: '1h20m' }, { perSecond: 1 }),
          ),
          calls(
            'tool_error',
            counter({ perSecond: 0.02, until: '30m' }, { perSecond: 1, until: '1h20m' }, { perSecond: 0.02 }),
          ),
        ),
      ],
    }),
    fires: {
      '45m': [],
      '58m': [],
      '1h2m': [
        ticket(
          'NexusMCPToolAlwaysFails',
          { tool_name: 'echo' },
          {
            says: ({ text, n }) =>
              `echo on ${text} has answered every call with isError for at least 15 minutes, 900 of them in the last 15; within the last day it succeeded. Agents that need the tool are stuck. Likely: a key of the API it calls has expired, that API has changed, or its callers ask for what does not exist. First: ${logs(n)} | grep '"tool":"echo"' | grep tool_error | tail -5 | jq -cR 'fromjson? | {time, caller, client_name}'`,
            dashboard: 'tools',
          },
        ),
      ],
      '1h20m': [ticket('NexusMCPToolAlwaysFails', { tool_name: 'echo' })],
      '1h34m': [],
    },
  },
  {
    name: 'tools report failures: one for a while, one now and then, one with a success among them, one since ever',
    about: ['NexusMCPToolAlwaysFails'],
    series: server({
      tools: [
        busy,
        tool(
          'echo',
          calls(
            'success',
            counter({ perSecond: 1, until: '30m' }, { perSecond: 0, until: '50m' }, { perSecond: 1 }),
          ),
          calls(
            'tool_error',
            counter({ perSecond: 0, until: '30m' }, { perSecond: 1, until: '50m' }, { perSecond: 0 }),
          ),
        ),
        tool('seldom', calls('success', once('10m', 5)), calls('tool_error', counter({ perSecond: 0.018 }))),
        tool(
          'mostly',
          calls('success', counter({ perSecond: 0.01 })),
          calls('tool_error', counter({ perSecond: 1 })),
        ),
        tool('fetch', calls('tool_error', counter({ perSecond: 5 }))),
      ],
    }),
    fires: { '10m': [], '30m': [], '48m': [], '1h': [], '1h20m': [] },
  },
  {
    name: 'a tool fails on one of two replicas',
    about: ['NexusMCPToolErrorRateHigh'],
    series: [
      ...server({
        instance: 'a',
        tools: [busy, tool('echo', calls('success', counter({ perSecond: 0.1 })))],
      }),
      ...server({
        instance: 'b',
        tools: [busy, tool('echo', calls('timeout', counter({ perSecond: 0.1 })))],
      }),
    ],
    fires: { '4m': [], '10m': [ticket('NexusMCPToolErrorRateHigh', { tool_name: 'echo' })] },
  },
  {
    name: 'tools with thresholds of their own, on either side of them',
    about: ['NexusMCPToolErrorRateHigh', 'NexusMCPToolLatencyHigh'],
    parameters: {
      tools: {
        'flaky.fetch': { errorRatio: 0.5, latencySeconds: 9 },
        strict: { errorRatio: 0.02, latencySeconds: 0.1 },
      },
    },
    series: server({
      tools: [
        busy,
        // Its name is a pattern of the first's, and it has the general thresholds.
        ...['flaky.fetch', 'flaky_fetch', 'strict'].map((name) => {
          const share = name === 'strict' ? 0.03 : 0.3;
          return tool(
            name,
            calls('success', counter({ perSecond: 1 - share }), name === 'strict' ? 0.2 : 7),
            calls('exception', counter({ perSecond: share })),
          );
        }),
      ],
    }),
    fires: {
      '4m': [],
      '20m': ['flaky_fetch', 'strict'].flatMap((tool_name) => [
        ticket('NexusMCPToolErrorRateHigh', { tool_name }),
        ticket('NexusMCPToolLatencyHigh', { tool_name }),
      ]),
    },
  },
  {
    name: 'a tenth of the calls of a tool becomes slow',
    about: ['NexusMCPToolLatencyHigh'],
    series: server({
      tools: [
        busy,
        tool(
          'echo',
          calls('success', counter({ perSecond: 0.9 })),
          calls(
            'success',
            counter({ perSecond: 0, until: '20m' }, { perSecond: 0.1, until: '50m' }, { perSecond: 0 }),
            7,
          ),
        ),
      ],
    }),
    fires: {
      '20m': [],
      '32m': [],
      '45m': [
        ticket(
          'NexusMCPToolLatencyHigh',
          { tool_name: 'echo' },
          {
            says: ({ text, n }) =>
              `One in 20 calls of echo on ${text} took longer than about 6.25s in the last 15 minutes. The log says whose calls are slow. First: ${slowCalls(n, '2.5 and .tool == "echo"')}`,
            dashboard: 'tools',
          },
        ),
      ],
      '1h': [ticket('NexusMCPToolLatencyHigh', { tool_name: 'echo' })],
      '1h16m': [],
    },
  },
  {
    name: 'four in a hundred calls of a tool are slow',
    about: ['NexusMCPToolLatencyHigh'],
    series: server({
      tools: [
        tool(
          'echo',
          calls('success', counter({ perSecond: 0.96 })),
          calls('success', counter({ perSecond: 0.04 }), 30),
        ),
      ],
    }),
    fires: { '15m': [], '40m': [] },
  },
  {
    name: 'calls of a tool are slower than the highest bucket',
    about: ['NexusMCPToolLatencyHigh'],
    parameters: {
      toolLatencySeconds: 9.9,
      latency: {
        objective: 50,
        page: [{ long: 3600, short: 300, factor: 1.9 }],
        ticket: [{ long: 3600, short: 300, factor: 1.9 }],
      },
    },
    series: server({ tools: [busy, tool('echo', calls('success', counter({ perSecond: 1 }), 60))] }),
    fires: { '9m': [], '15m': [ticket('NexusMCPToolLatencyHigh', { tool_name: 'echo' })] },
  },
  {
    name: 'of tools that take long by nature, one takes longer than it may',
    about: ['NexusMCPToolLatencyHigh', 'NexusMCPLatencyBudgetBurn'],
    parameters: {
      durationBuckets: [30, 45],
      latency: { thresholdSeconds: 30 },
      tools: { report: { latencySeconds: 30 }, crawl: { latencySeconds: 30 } },
    },
    series: server({
      durationBuckets: [30, 45],
      tools: [
        tool('echo', calls('success', counter({ perSecond: 30 }))),
        tool('report', calls('success', counter({ perSecond: 1 }), 12)),
        tool('crawl', calls('success', counter({ perSecond: 1 }), 40)),
      ],
    }),
    fires: {
      '9m': [],
      '15m': [
        ticket(
          'NexusMCPToolLatencyHigh',
          { tool_name: 'crawl' },
          {
            says: ({ text, n }) =>
              `One in 20 calls of crawl on ${text} took longer than about 44.25s in the last 15 minutes. The log says whose calls are slow. First: ${slowCalls(n, '2.5 and .tool == "crawl"')}`,
            dashboard: 'tools',
          },
        ),
      ],
    },
  },
  {
    name: 'no call of an instance finishes for a while',
    about: ['NexusMCPCallsStuck'],
    evaluateSeconds: 30,
    series: [
      ...server({ instance: 'a', tools: [stuck('echo', '10m', '30m')] }),
      ...server({ instance: 'b', tools: [occupied('echo')] }),
    ],
    fires: {
      '10m': [],
      '20m30s': [],
      '24m': [
        page(
          'NexusMCPCallsStuck',
          { instance: 'a:9999' },
          {
            says: ({ text, n }) =>
              `3 calls on a:9999 of ${text} have been in flight for 3 minutes or more, and no call has finished: the instance hangs, or a tool may take that long. Their agents wait. No error is counted, because no call ends. The server says which tool's calls do not end, and for how long; look before you restart it. First: ${status(n)}`,
            dashboard: 'tools',
          },
        ),
        ticket(
          'NexusMCPCallsStuck',
          { instance: 'a:9999', tool_name: 'echo' },
          {
            says: ({ text, n }) =>
              `3 calls of echo on a:9999 of ${text} have been in flight for 3 minutes or more, and none has finished. Their agents wait. The server says for how long. First: ${status(n)}`,
            dashboard: 'tools',
          },
        ),
      ],
      '33m': [
        page('NexusMCPCallsStuck', { instance: 'a:9999' }),
        ticket('NexusMCPCallsStuck', { instance: 'a:9999', tool_name: 'echo' }),
      ],
      '37m': [],
    },
  },
  {
    name: 'no call of one tool finishes, while others do',
    about: ['NexusMCPCallsStuck'],
    series: server({ tools: [busy, occupied('fetch'), stuck('echo', '10m', '30m')] }),
    fires: { '20m': [], '24m': [ticket('NexusMCPCallsStuck', { instance: 'a:9999', tool_name: 'echo' })] },
  },
  {
    name: 'calls are always in flight, and finish',
    about: ['NexusMCPCallsStuck'],
    series: server({ tools: [occupied('echo'), occupied('fetch')] }),
    fires: { '5m': [], '20m': [], '30m': [] },
  },
  {
    name: 'a new instance has long calls from its first scrape on',
    about: ['NexusMCPCallsStuck'],
    evaluateSeconds: 30,
    series: server({
      from: '5m',
      tools: [
        {
          ...tool('echo', calls('success', once('14m', 3))),
          inFlight: gauge({ is: 3, until: '14m' }, { is: 0 }),
        },
      ],
    }),
    fires: { '8m': [], '10m': [], '13m30s': [], '16m': [] },
  },
  {
    name: 'a tool that is used at this hour is not used today',
    about: ['NexusMCPToolSilent'],
    scrapeSeconds: 600,
    evaluateSeconds: 1200,
    series: server({
      tools: [
        busy,
        tool(
          'echo',
          calls(
            'success',
            counter({ perSecond: 0.1, until: '10h' }, { perSecond: 0, until: '32h' }, { perSecond: 0.1 }),
          ),
        ),
        tool('rare', calls('success', once('5h', 40))),
      ],
    }),
    fires: {
      '24h': [],
      '24h20m': [],
      '27h': [
        info(
          'NexusMCPToolSilent',
          { tool_name: 'echo' },
          {
            says: ({ text, n }) =>
              `echo on ${text} succeeded 720 times in these two hours yesterday, and not once today. Its clients may be gone, or may use another tool. The server says whether it still offers the tool, and how often it was called in the last 5 minutes and since its start; [] means that it does not offer it. First: ${status(n, 'if .activity then [.activity.tools[] | select(.name == "echo" and .registered) | {calls, errors, calls_since_start}] else . end')}`,
            dashboard: 'tools',
          },
        ),
      ],
      '32h30m': [],
      '34h': [],
    },
  },
  {
    name: 'a tool is used at the same hour of every day, by pods that are replaced',
    about: ['NexusMCPToolSilent'],
    scrapeSeconds: 600,
    evaluateSeconds: 1200,
    series: [
      ...server({
        instance: 'a',
        until: '20h',
        tools: [
          tool(
            'echo',
            calls(
              'success',
              counter({ perSecond: 0, until: '8h' }, { perSecond: 0.1, until: '18h' }, { perSecond: 0 }),
            ),
          ),
        ],
      }),
      ...server({
        instance: 'b',
        from: '20h',
        tools: [
          tool(
            'echo',
            calls(
              'success',
              counter({ perSecond: 0, until: '32h' }, { perSecond: 0.1, until: '42h' }, { perSecond: 0 }),
            ),
          ),
        ],
      }),
    ],
    fires: { '30h': [], '34h': [], '36h': [] },
  },
];
