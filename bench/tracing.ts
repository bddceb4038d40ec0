import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Child, withChildren } from './child.ts';
import { percentRow } from './compare.ts';
import { beside, LIMIT } from './monitoring.ts';
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
  const request = modernCall();
  // Where there is an endpoint, it is all the process that is traced.
  const taken = await withChildren(
    [Child.start('server.ts', 1, `--traced=${endpoint}`), Child.start('server.ts', 1)],
    async ([on, off]) =>
      race(
        [
          { server: on, request },
          { server: off, request },
        ],
        quick ? 120 : 400,
      ),
  );
  receiver.close();
  receiver.closeAllConnections();
  return [
    percentRow(
      '`tools/call` of 2026-07-28, spans asked for without an endpoint, against none',
      await beside('untaken', request, quick),
      LIMIT,
    ),
    percentRow('`tools/call` of 2026-07-28, every call traced and exported, against none', taken),
  ];
}
