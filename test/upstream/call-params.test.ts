import { expect, it } from 'vitest';
import { callOf } from '../../src/upstream/call-params.ts';
import { readDefinitions } from '../../src/upstream/definitions.ts';
import type { CallTrace } from '../../src/tools/call.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { callOf as callBy } from '../support/call-records.ts';

const { definitions } = readDefinitions([{ name: 'forecast', inputSchema: { type: 'object' } }], {
  prefix: 'w_',
  include: ['*'],
  exclude: [],
});
const [definition] = definitions;
if (!definition) throw new Error('there is no definition');

const contextWith = (more: Partial<ToolContext> = {}): ToolContext => ({
  signal: new AbortController().signal,
  progress: () => undefined,
  log: () => undefined,
  releaseConnection: () => undefined,
  answers: {},
  state: undefined,
  canElicit: false,
  ...more,
});

it('a call goes to its upstream by its own name, with the trace and what its client can answer, and nothing else', () => {
  const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true } as CallTrace;
  const { made } = callOf(definition, { city: 'Oslo' }, callBy('w_forecast', { trace }), contextWith());
  expect(made.params).toEqual({
    name: 'forecast',
    arguments: { city: 'Oslo' },
    _meta: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
  });
  expect(made.modernMeta).toEqual({
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/logLevel': 'info',
  });
  const asked = callOf(definition, {}, callBy('w_forecast', { canElicit: true }), contextWith());
  expect(asked.made.modernMeta).toMatchObject({
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
  });
});

it('a call that goes on brings the answers, and the state that the upstream gave it', () => {
  const context = contextWith({ answers: { name: { action: 'accept' } }, state: { requestState: 'sealed' } });
  const { made } = callOf(definition, {}, callBy('w_forecast'), context);
  expect(made.params).toEqual({
    name: 'forecast',
    arguments: {},
    inputResponses: { name: { action: 'accept' } },
    requestState: 'sealed',
  });
});

it('log messages reach the client with a level that there is, and no other', () => {
  const logged: unknown[] = [];
  const context = contextWith({ log: (level, data) => logged.push([level, data]) });
  const { watched } = callOf(definition, {}, callBy('w_forecast'), context);
  const say = (params: Record<string, unknown>): void => {
    watched.notice({ jsonrpc: '2.0', method: 'notifications/message', params });
  };
  say({ level: 'info', data: 'warm' });
  say({ level: 'shout', data: 'hot' });
  say({ level: 'info' });
  // As JSON has them: one is a number that JSON cannot write again, the other nested without end.
  say({ level: 'info', data: JSON.parse('1e999') as unknown });
  say({ level: 'info', data: JSON.parse('['.repeat(10_000) + ']'.repeat(10_000)) as unknown });
  expect(logged).toEqual([['info', 'warm']]);
});
