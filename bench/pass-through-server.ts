import { Agent, createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerParent } from './probes.ts';

// The least that something between a client and a server can do in Node: it looks at nothing.

const upstream = new URL(process.argv.at(-1) ?? '');
const agent = new Agent({ keepAlive: true });

const server = createServer((request, response) => {
  const { method, url: path, headers } = request;
  const asked = ask(upstream, { agent, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  request.pipe(asked);
});
// Its turn may be long in coming.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  answerParent((server.address() as AddressInfo).port);
});
