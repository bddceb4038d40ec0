import { Child, withChildren } from './child.ts';
import { joined, percentRow, timesRow, type Pair } from './compare.ts';
import { race } from './race.ts';
import { legacyCall, modernCall, openSession, restCall, type CallRequest } from './requests.ts';
import type { Row } from './table.ts';

/**
 * `POST /execute` against an express handler that does nothing but parse, add and answer; and that handler against itself in
 * another process, which says how far two processes differ by luck.
 */
export async function rest(quick: boolean): Promise<readonly Row[]> {
  const ours: Pair[] = [];
  const bare: Pair[] = [];
  for (let processes = 0; processes < (quick ? 1 : 3); processes += 1) {
    const start = ['server.ts', 'express-server.ts', 'express-server.ts'] as const;
    await withChildren(
      start.map((file) => Child.start(file, 1)),
      async (servers) => {
        const contenders = servers.map((server) => ({ server, request: restCall }));
        const [first = [], second = [], third = []] = await race(contenders, quick ? 120 : 400);
        ours.push([first, second]);
        bare.push([second, third]);
      },
    );
  }
  return [
    timesRow('`POST /execute`, against a bare express handler', joined(ours), 0.75),
    percentRow('the bare express handler, against itself in another process', joined(bare)),
  ];
}

interface Era {
  readonly version: string;
  /** How many times faster than the SDK ours should be with 1 tool. */
  readonly atLeast: number;
  /** Ours keeps sessions where the era has them; the SDK's handler serves that era without. */
  readonly callOfOurs: (server: Child) => Promise<CallRequest>;
  readonly callOfTheirs: CallRequest;
}

const ERAS: readonly Era[] = [
  {
    version: '2026-07-28',
    atLeast: 2.5,
    callOfOurs: () => Promise.resolve(modernCall()),
    callOfTheirs: modernCall(),
  },
  {
    version: '2025-11-25',
    atLeast: 2,
    callOfOurs: async (server) => legacyCall(await openSession(server)),
    callOfTheirs: legacyCall(),
  },
];

/** MCP calls in both eras, with few and many tools, against the SDK's own way to serve them. */
export async function mcp(quick: boolean): Promise<readonly Row[]> {
  const rounds = quick ? 60 : 200;
  const rows: Row[] = [];
  for (const era of ERAS) {
    rows.push(...(await againstSdk(era, 1, era.atLeast, rounds)));
    rows.push(...(await againstSdk(era, 300, 3, rounds)));
    rows.push(await againstFewer(era, rounds));
  }
  return rows;
}

const nameOf = ({ version }: Era): string => `\`tools/call\` of ${version}`;

/** Few servers at a time: among many, each has its turn too seldom for its code to stay warm. */
const againstSdk = (era: Era, tools: number, atLeast: number, rounds: number): Promise<readonly Row[]> =>
  withChildren(
    [
      Child.start('server.ts', tools),
      Child.start('sdk-server.ts', tools),
      Child.start('sdk-server.ts', tools, '--express'),
    ],
    async ([server, plain, express]) => {
      const request = era.callOfTheirs;
      const [ours, onPlain, onExpress] = await race(
        [
          { server, request: await era.callOfOurs(server) },
          { server: plain, request },
          { server: express, request },
        ],
        rounds,
      );
      const what = `${nameOf(era)}, ${tools} ${tools === 1 ? 'tool' : 'tools'}, against the SDK on`;
      return [
        timesRow(`${what} node:http`, [ours, onPlain], atLeast),
        timesRow(`${what} express`, [ours, onExpress], atLeast),
      ];
    },
  );

const againstFewer = (era: Era, rounds: number): Promise<Row> =>
  withChildren([Child.start('server.ts', 300), Child.start('server.ts', 1)], async ([many, one]) => {
    const [ofMany, ofOne] = await race(
      [
        { server: many, request: await era.callOfOurs(many) },
        { server: one, request: await era.callOfOurs(one) },
      ],
      rounds,
    );
    return timesRow(`${nameOf(era)}, ours with 300 tools, against ours with 1`, [ofMany, ofOne], 0.95);
  });
