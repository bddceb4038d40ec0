import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { json, text } from 'node:stream/consumers';
import { keepCollectionsShort } from '../src/short-collections.ts';
import { answerParent } from './probes.ts';

// Its own pauses would count as those of what is between it and the client.
keepCollectionsShort();

// Many servers of the 2025 era without sessions, one a port, which do as little as they can. `PUT` makes one ill.

/** What a server can be made to do with each call from then on. */
export type Illness = 'sleeps' | 'resets';

interface Message {
  readonly id?: number | string;
  readonly method?: string;
}

const SLEEP_MS = 25_000;

const tools = [
  'add',
  ...Array.from({ length: Number(process.env['BENCH_TOOLS']) - 1 }, (_, n) => `tool_${n}`),
];
const listed = tools.map((name) => ({
  name,
  description: 'Adds two numbers and returns their sum, as it has always done.',
  inputSchema: {
    type: 'object',
    properties: { a: { type: 'number' }, b: { type: 'number' } },
    required: ['a', 'b'],
  },
}));

const RESULTS: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'fleet', version: '0.0.0' },
  },
  'tools/list': { tools: listed },
  'tools/call': { content: [{ type: 'text', text: '8' }] },
  ping: {},
};

function open(): Promise<number> {
  let illness: Illness | undefined;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'PUT') {
      illness = (await text(request)) as Illness;
      response.writeHead(204).end();
      return;
    }
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    const { id, method = '' } = (await json(request)) as Message;
    const isCall = method === 'tools/call';
    if (isCall && illness === 'resets')
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    if (isCall && illness === 'resets') setImmediate(() => response.destroy());
    else if (id === undefined) response.writeHead(202).end();
    else if (!(method in RESULTS)) answer(response, 404, { id, error: { code: -32_601, message: 'no' } });
    else if (isCall && illness === 'sleeps')
      setTimeout(() => {
        answer(response, 200, { id, result: RESULTS[method] });
      }, SLEEP_MS);
    else answer(response, 200, { id, result: RESULTS[method] });
  };
  return listening(createServer((request, response) => void serve(request, response)));
}

function answer(response: ServerResponse, status: number, said: object): void {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', ...said }));
}

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.keepAliveTimeout = 0;
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });

answerParent(...(await Promise.all(Array.from({ length: Number(process.argv.at(-1)) }, open))));
