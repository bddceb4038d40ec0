import { describe, expect, it, vi } from 'vitest';
import { Lifecycle } from '../src/lifecycle.ts';
import { McpEndpoint } from '../src/mcp/endpoint.ts';
import { createLogger } from '../src/monitoring/logging.ts';
import { startTestServer } from './support/test-server.ts';

describe('a step of stopping that fails', () => {
  it('is logged and makes the stop a failure, and all later steps are taken: the flush, and the closing of the operations port', async () => {
    const here = await startTestServer({ ops: { port: 0 }, log: { foldSeconds: 600 } });
    for (let call = 0; call < 7; call += 1) await here.execute('echo', { text: 1 });
    const end = vi
      .spyOn(McpEndpoint.prototype, 'close')
      .mockRejectedValueOnce(new Error('a stream is stuck'));
    expect(await here.stop()).toBe(false);
    end.mockRestore();
    expect(here.logs.filter(({ level }) => level === 'error')).toMatchObject([
      { step: 'end streams', err: { type: 'Error', message: 'a stream is stuck' } },
    ]);
    expect(here.logs).toContainEqual(expect.objectContaining({ folded: 2, tool: 'echo' }));
    await expect(fetch(`${here.opsUrl ?? ''}/livez`)).rejects.toThrow('fetch failed');
    expect(here.logs.at(-1)).toMatchObject({ msg: 'stopped' });
  });

  it('is told of beside others, and so is what cannot be cut off at the deadline', async () => {
    const logs: Record<string, unknown>[] = [];
    const write = (line: string) => logs.push(JSON.parse(line) as Record<string, unknown>);
    const fails = (message: string) => () => Promise.reject(new Error(message));
    const stopped = new Lifecycle(createLogger('error', { write })).stop({
      deadlineSeconds: 0.05,
      steps: [
        { name: 'first', run: fails('one') },
        { name: 'second', run: fails('two') },
        { name: 'third', run: () => new Promise(() => undefined) },
        { name: 'never', run: fails('never') },
      ],
      cut: fails('cannot cut'),
    });
    expect(await stopped).toBe(false);
    expect(logs).toMatchObject([
      { step: 'first', err: { message: 'one' } },
      { step: 'second', err: { message: 'two' } },
      { step: 'third', err: { message: 'cannot cut' } },
      { step: 'third', msg: 'stopped by force at the deadline' },
    ]);
  });
});
