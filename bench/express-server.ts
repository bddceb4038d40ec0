import type { AddressInfo } from 'node:net';
import express from 'express';
import { answerParent } from './probes.ts';

interface Call {
  readonly tool_name: string;
  readonly arguments: { readonly a: number; readonly b: number };
}

const app = express();
app.use(express.json());
app.post('/execute', (request, response) => {
  const startedAt = performance.now();
  const { tool_name, arguments: args } = request.body as Call;
  const result = args.a + args.b;
  const execution_time = (performance.now() - startedAt) / 1000;
  response.json({ tool_name, arguments: args, result, status: 'success', execution_time });
});

const server = app.listen(0, '127.0.0.1', () => {
  answerParent((server.address() as AddressInfo).port);
});
// Its turn may be long in coming.
server.keepAliveTimeout = 0;
