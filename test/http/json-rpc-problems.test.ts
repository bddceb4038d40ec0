import express from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { challengesFor } from '../../src/authorization/challenges.ts';
import { requireCaller } from '../../src/http/authentication.ts';
import { hostGuard } from '../../src/http/host-guard.ts';
import { listen, type Listener } from '../../src/http/listener.ts';
import { mcpRoutes } from '../../src/http/mcp.ts';
import { notFound, problemsInJsonRpc } from '../../src/http/problem.ts';
import { ask } from './raw-client.ts';

const PATH = '/servers/x/mcp';

let listener: Listener;
let url: string;
beforeAll(async () => {
  const app = express();
  app.use(PATH, problemsInJsonRpc);
  app.use(hostGuard([], []));
  const authenticate = () => Promise.resolve({ ok: false, reason: 'missing' } as const);
  const quota = { take: () => 0 };
  const asked = { challenges: challengesFor(undefined) };
  const askedBy = () => asked;
  const guard = requireCaller(authenticate, askedBy);
  app.use(
    mcpRoutes(PATH, {
      serve: () => Promise.resolve(undefined),
      excessIn: () => undefined,
      ...{ guard, askedBy, quota, bodyBytes: 1024 },
    }),
  );
  app.use(notFound('There is nothing here'));
  listener = await listen(app, {
    host: '127.0.0.1',
    port: 0,
    headersTimeoutSeconds: 10,
    requestTimeoutSeconds: 10,
    keepAliveTimeoutSeconds: 10,
    ...{ stallTimeoutSeconds: 10, maxConnections: 10, bufferedBytes: 1_000_000 },
    onCut: () => undefined,
  });
  url = `http://127.0.0.1:${listener.port}`;
});
afterAll(() => listener.destroy());

it.each([
  ['the host guard', PATH, { host: 'evil.example' }, 403],
  ['authentication', PATH, {}, 401],
  ['authentication', PATH.toUpperCase(), {}, 401],
  ['authentication', `${PATH}/?a=b`, {}, 401],
])(
  '%s refuses a request to a second MCP path, %s, with a JSON-RPC error',
  async (_guard, path, headers, status) => {
    const answer = await ask(url, `POST ${path}`, headers, '{}');
    expect(answer.status).toBe(status);
    const error = { code: -32600, message: expect.any(String) as string };
    expect(JSON.parse(answer.body)).toEqual({ jsonrpc: '2.0', error, id: null });
  },
);

it.each([`${PATH}/below`, '/mcp'])(
  'refuses a request to another path, %s, in the words of REST',
  async (path) => {
    const answer = await ask(url, `POST ${path}`, {}, '{}');
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'Not Found' });
  },
);
