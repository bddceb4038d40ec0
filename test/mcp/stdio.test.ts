import { expect, it } from 'vitest';
import { waitFor, waitUntil } from '../support/wait.ts';
import { echo, startStdio, _meta } from '../support/raw-stdio.ts';

it('requests that arrive together, and even with one id, are each counted, timed and answered', async () => {
  const stdio = await startStdio();
  stdio.send(echo(1, 'a'), echo(2, 'b'), echo(2, 'c'), { id: 3, method: 'tools/list', params: { _meta } });
  await waitUntil(() => stdio.messages.length === 4);
  expect(stdio.messages.map(({ id }) => id).sort()).toEqual([1, 2, 2, 3]);
  const samples = await stdio.scrape();
  expect(samples.value('mcp_tool_calls_total', { tool_name: 'echo', status: 'success' })).toBe(3);
  expect(samples.value('mcp_tool_errors_total')).toBe(0);
  expect(samples.value('mcp_server_operation_duration_seconds_count', { gen_ai_tool_name: 'echo' })).toBe(3);
  const version = { protocol_version: '2026-07-28', transport: 'stdio' };
  expect(samples.value('mcp_requests_total', { method: 'tools/call', ...version })).toBe(3);
  expect(samples.value('mcp_requests_total', { method: 'tools/list', ...version })).toBe(1);
});

it('a call that the SDK would refuse is counted though it is cancelled in the same moment', async () => {
  const stdio = await startStdio();
  const call = { id: 1, method: 'tools/call', params: { name: 'echo', arguments: 'no object', _meta } };
  stdio.send(call, { method: 'notifications/cancelled', params: { requestId: 1, _meta } });
  await waitFor(async () => {
    expect((await stdio.scrape()).value('mcp_tool_errors_total', { tool_name: 'echo' })).toBe(1);
  });
});

it('no more streams of changes are open than the settings allow', async () => {
  const stdio = await startStdio({ 'sessions.maxSubscriptions': '1' });
  const params = { _meta, notifications: { toolsListChanged: true } };
  for (const id of [1, 2]) stdio.send({ id, method: 'subscriptions/listen', params });
  await waitUntil(() => stdio.messages.some(({ id, error }) => id === 2 && error));
  const samples = await stdio.scrape();
  expect(samples.value('mcp_active_subscriptions')).toBe(1);
  expect(samples.value('mcp_subscriptions_limit')).toBe(1);
});

it('a stream of changes takes the place of one with its id', async () => {
  const stdio = await startStdio();
  const params = { _meta, notifications: { toolsListChanged: true } };
  const listen = { id: 7, method: 'subscriptions/listen', params };
  stdio.send(listen, listen, listen);
  await waitUntil(() => stdio.messages.length === 3);
  expect((await stdio.scrape()).value('mcp_active_subscriptions')).toBe(1);
});

it('a stream of changes is counted though it is the first request, and though the SDK answers it itself', async () => {
  const stdio = await startStdio();
  const params = { _meta, notifications: { toolsListChanged: true } };
  stdio.send({ id: 1, method: 'subscriptions/listen', params });
  await waitFor(async () => {
    const listens = { method: 'subscriptions/listen', protocol_version: '2026-07-28', transport: 'stdio' };
    expect((await stdio.scrape()).value('mcp_requests_total', listens)).toBe(1);
  });
});

it('what its user asks is audited, in the log on stderr', async () => {
  const stdio = await startStdio({ 'audit.enabled': 'true' });
  stdio.send(echo(1, 'a'));
  await waitFor(() => {
    const events = stdio.logs.filter(({ stream }) => stream === 'audit');
    expect(events).toMatchObject([
      { event: 'session_opened', caller: 'stdio', transport: 'stdio' },
      { event: 'call', caller: 'stdio', caller_kind: 'stdio', tool: 'echo', outcome: 'success' },
    ]);
  });
});
