import { Child, withChildren } from './child.ts';
import { race, compare } from './race.ts';
import { legacyCall, modernCall, openSession, restCall, type CallRequest } from './requests.ts';
import type { Row } from './table.ts';

/** `POST /execute` against an express handler that does nothing but parse, add and answer. */
export const rest = (quick: boolean): Promise<readonly Row[]> =>
  withChildren([Child.start('server.ts', 1), Child.start('express-server.ts', 1)], async (servers) => {
    const [server, bare] = servers;
    const [ours, reference] = await race(
      [
        { server, request: restCall },
        { server: bare, request: restCall },
      ],
      quick ? { rounds: 3, seconds: 0.5 } : { rounds: 7, seconds: 1 },
    );
    return [compare('`POST /execute`, against a bare express handler', ours, reference)];
  });

interface Era {
  readonly version: string;
  /** Ours keeps sessions where the era has them; the SDK's handler serves that era without. */
  readonly callOfOurs: (server: Child) => Promise<CallRequest>;
  readonly callOfTheirs: CallRequest;
}

const ERAS: readonly Era[] = [
  {
    version: '2026-07-28',
    callOfOurs: () => Promise.resolve(modernCall()),
    callOfTheirs: modernCall(),
  },
  {
    version: '2025-11-25',
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

const compareEra = ({ version, callOfOurs, callOfTheirs: request }: Era, quick: boolean) =>
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
        quick ? { rounds: 3, seconds: 0.5 } : { rounds: 5, seconds: 1 },
      );
      const call = `\`tools/call\` of ${version}`;
      return [
        compare(`${call}, 1 tool, against the SDK on node:http`, ours1, plain1, 2),
        compare(`${call}, 1 tool, against the SDK on express`, ours1, express1, 2),
        compare(`${call}, 300 tools, against the SDK on node:http`, ours300, plain300, 3),
        compare(`${call}, 300 tools, against the SDK on express`, ours300, express300, 3),
        compare(`${call}, ours with 300 tools, against ours with 1`, ours300, ours1, 0.95),
      ];
    },
  );
