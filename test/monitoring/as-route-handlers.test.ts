import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it } from 'vitest';
import { createMonitoring } from '../../src/monitoring/index.ts';

const monitoring = createMonitoring({ runtime: false });

it('expressHandler that is registered itself is an error that says what to register', async () => {
  const app = express();
  app.get('/metrics', monitoring.expressHandler as unknown as express.RequestHandler);
  app.use(((error: unknown, _request, response, _next) => {
    response.status(500).end(String(error));
  }) satisfies express.ErrorRequestHandler);
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
  expect(response.status).toBe(500);
  expect(await response.text()).toContain(
    'expressHandler takes no arguments, because it returns the handler',
  );
  server.close();
});

it('metrics that is registered as a handler is an error that says what to register', () => {
  const metrics = monitoring.metrics as unknown as (request: unknown) => unknown;
  const request = Object.create(null) as IncomingMessage;
  expect(() => metrics(request)).toThrow(
    'metrics takes the text of an Accept header, not an object: the handler of a route is monitoring.expressHandler()',
  );
});
