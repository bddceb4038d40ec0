import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { drain } from '../../src/http/drain.ts';

it('a request that came while the process could not look is answered, however long its connection was idle', async () => {
  const server = createServer((_request, response) => response.end('heard'));
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  client.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
  const [socket] = await accepted;

  // From here on the timer's turn comes before what sockets have received.
  await turn();
  const connection = { socket, unanswered: new Set<never>(), readAtLastAnswer: 0 };
  const drained = drain([connection], { idleSeconds: 0.05, limitSeconds: 5 });
  client.write('GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
  const until = performance.now() + 200;
  while (performance.now() < until);
  await Promise.all([once(client, 'end'), drained]);
  expect(answer).toContain('heard');
  server.close();
});
