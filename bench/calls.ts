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
  const rows: Row[] = [];
  for (const era of ERAS) rows.push(...(await compareEra(era, quick)));
  return rows;
}

const compareEra = ({ version, atLeast, callOfOurs, callOfTheirs: request }: Era, quick: boolean) =>
  withChildren(
    [
      Child.start('server.ts', 1),
      Child.start('sdk-server.ts', 1),
      Child.start('sdk-server.ts', 1, '--express'),
      Child.start('server.ts', 300),
      Child.start('sdk-server.ts', 300),
      Child.start('sdk-server.ts', 300, '--express'),
    ],
    async ([one, plainOne, expressOne, many, plainMany, expressMany]): Promise<readonly Row[]> => {
      const [ours1, plain1, express1, ours300, plain300, express300] = await race(
        [
          { server: one, request: await callOfOurs(one) },
          { server: plainOne, request },
          { server: expressOne, request },
          { server: many, request: await callOfOurs(many) },
          { server: plainMany, request },
          { server: expressMany, request },
        ],
        quick ? 40 : 200,
      );
      const call = `\`tools/call\` of ${version}`;
      return [
        timesRow(`${call}, 1 tool, against the SDK on node:http`, [ours1, plain1], atLeast),
        timesRow(`${call}, 1 tool, against the SDK on express`, [ours1, express1], atLeast),
        timesRow(`${call}, 300 tools, against the SDK on node:http`, [ours300, plain300], 3),
        timesRow(`${call}, 300 tools, against the SDK on express`, [ours300, express300], 3),
        timesRow(`${call}, ours with 300 tools, against ours with 1`, [ours300, ours1], 0.95),
      ];
    },
  );
