import { IncomingMessage, ServerResponse, type IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { vi } from 'vitest';
import { trustedCaller } from '../../src/authorization/caller.ts';
import { Health } from '../../src/upstream/health.ts';
import { Relay, type RelayEnvironment } from '../../src/upstream/relay/relay.ts';

/** A relay to an upstream that answers as the test has it do, and takes no connections. */
export function relayTo(
  environment: RelayEnvironment,
  health = new Health(environment.now, Math.random, 5, () => undefined),
) {
  const dispatch = vi.fn<(options: unknown, handler: Dispatcher.DispatchHandler) => boolean>(() => true);
  const relay = new Relay({
    spec: {
      name: 'raw',
      trustReasons: false,
      url: 'http://upstream.invalid/mcp',
      headers: {},
      tools: { include: ['*'], exclude: [] },
      timeoutSeconds: 3600,
    },
    health,
    lookNow: () => undefined,
    toolOf: () => undefined,
    observe: () => undefined,
    pool: { dispatch } as never,
    environment,
  });
  const send = (method: string, value?: object, client = 'test', headers: IncomingHttpHeaders = {}) => {
    const request = Object.assign(new IncomingMessage(new Socket()), { method, headers });
    const response = new ServerResponse(request);
    const body = value && { value, bytes: Buffer.from(JSON.stringify(value)) };
    const sender = { caller: trustedCaller(client), requestId: 'r', waitSeconds: 0 };
    return { response, refused: relay.serve(request, response, { body, ...sender }) };
  };
  return {
    relay,
    dispatch,
    send,
    serve: (value: object, client?: string) => send('POST', value, client).refused,
    listen: () => send('GET').refused,
  };
}
