import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Child, withChildren } from './child.ts';
import { LIMIT, percentRows } from './monitoring.ts';
import { race } from './race.ts';
import { modernCall } from './requests.ts';
import type { Row } from './table.ts';

/**
 * The CPU time of calls that are traced and exported, every one, and of calls that ask for spans without an endpoint,
 * both against calls that ask for none.
 */
export async function tracing(quick: boolean): Promise<readonly Row[]> {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const taken = await pairOf(`--traced=${endpoint}`, quick);
  const untaken: Awaited<ReturnType<typeof pairOf>>[] = [];
  for (let pair = 0; pair < (quick ? 1 : 4); pair += 1) untaken.push(await pairOf('--untaken', quick));
  receiver.close();
  receiver.closeAllConnections();
  return [
    ...percentRows(
      '`tools/call` of 2026-07-28, spans asked for without an endpoint, against none',
      untaken,
      LIMIT,
    ),
    ...percentRows('`tools/call` of 2026-07-28, every call traced and exported, against none', [taken]),
  ];
}

const pairOf = (option: string, quick: boolean) =>
  withChildren([Child.start('server.ts', 1, option), Child.start('server.ts', 1)], async ([on, off]) =>
    race(
      [
        { server: on, request: modernCall() },
        { server: off, request: modernCall() },
      ],
      { rounds: quick ? 6 : 24, seconds: 0.2 },
    ),
  );
