import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Child, withChildren } from './child.ts';
import { percentRows } from './monitoring.ts';
import { race } from './race.ts';
import { modernCall } from './requests.ts';
import type { Row } from './table.ts';

/** The CPU time of calls of which every one is traced and exported, against calls without an endpoint. */
export async function tracing(quick: boolean): Promise<readonly Row[]> {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const endpoint = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const pair = await withChildren(
    [Child.start('server.ts', 1, `--traced=${endpoint}`), Child.start('server.ts', 1)],
    async ([on, off]) =>
      race(
        [
          { server: on, request: modernCall() },
          { server: off, request: modernCall() },
        ],
        { rounds: quick ? 6 : 24, seconds: 0.2 },
      ),
  );
  receiver.close();
  receiver.closeAllConnections();
  return percentRows('`tools/call` of 2026-07-28, every call traced, against no endpoint', [pair]);
}
