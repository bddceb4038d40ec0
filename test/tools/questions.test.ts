import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { trustedCaller } from '../../src/authorization/caller.ts';
import { failed, type Answered, type ToolCall } from '../../src/tools/call.ts';
import { Catalogue } from '../../src/tools/catalogue.ts';
import { Executor } from '../../src/tools/executor.ts';
import { offerToolsets } from '../../src/tools/offered-tool.ts';
import { Questions } from '../../src/tools/questions.ts';
import { createQuota } from '../../src/tools/quota.ts';
import { ERROR_REASONS } from '../../src/tools/reasons.ts';
import { inputRequired } from '../../src/tools/result.ts';
import type { ToolDefinition } from '../../src/tools/tool.ts';
import { callOf } from '../support/call-records.ts';

type Ask = NonNullable<ToolCall['ask']>;

const answered: Answered = { status: 'answered', answers: {} };
const elicitation = { method: 'elicitation/create' as const, params: {} };
const callBy = (client: string): ToolCall =>
  callOf('asks', { caller: { ...trustedCaller(client), quotaKey: client } });

describe('questions that wait', () => {
  it('are limited for each client and in all; each gives its place back', async () => {
    const questions = new Questions(3600);
    const ends: (() => void)[] = [];
    const ask: Ask = () =>
      new Promise((resolve) => {
        ends.push(() => {
          resolve(answered);
        });
      });
    const put = (client: string) => questions.put(callBy(client), ask, {});
    const waiting = Array.from({ length: 100 }, () => put('many'));
    const refused = await put('many');
    expect(refused).toMatchObject({ status: 'error', reason: 'cancelled' });
    // It has run, so it was taken on; and no client can make the server look bad so.
    expect(ERROR_REASONS[refused.status === 'error' ? refused.reason : 'denied']).toMatchObject({
      refused: false,
      serverFault: false,
    });
    for (let client = 0; client < 900; client += 1) waiting.push(put(`client ${client}`));
    expect(await put('late')).toMatchObject({ status: 'error', reason: 'overloaded' });
    for (const end of ends) end();
    expect(await Promise.all(waiting)).toHaveLength(1000);
    const again = put('many');
    questions.close();
    expect(await again).toMatchObject({ status: 'error', reason: 'overloaded' });
  });

  it('are taken back in plain words', async () => {
    const questions = new Questions(0.01);
    const reasons: unknown[] = [];
    const ask: Ask = (_requests, signal) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
        });
      });
    const cancel = new AbortController();
    const cancelled = questions.put({ ...callBy('a'), signal: cancel.signal }, ask, {});
    cancel.abort();
    await cancelled;
    await questions.put(callBy('a'), ask, {});
    const stopped = questions.put(callBy('a'), ask, {});
    questions.close();
    await stopped;
    expect(reasons).toEqual([
      'The call was cancelled.',
      'The client did not answer what the tool asked it within 0.01 s.',
      'The server is shutting down; try again.',
    ]);
  });
});

describe('a call that asks', () => {
  function start(
    handler: ToolDefinition['handler'],
    burst = 10,
    forget: (state: unknown) => void = () => undefined,
  ): Executor {
    const asks: ToolDefinition = {
      name: 'asks',
      title: 'Asks',
      description: 'Asks.',
      input: z.strictObject({}),
      annotations: { readOnly: true, idempotent: true, openWorld: false },
      handler,
    };
    const toolset = {
      ...{ name: 'mine', source: 'module' as const, moduleUrl: 'file:///mine.ts' },
      tools: [asks],
    };
    const offered = offerToolsets([toolset], undefined as never, {
      defaults: { timeoutSeconds: 3600, maxConcurrency: 64 },
    });
    if (!offered.ok) throw new Error(offered.problems.join('\n'));
    return new Executor({
      catalogue: new Catalogue(offered.tools.map((tool) => ({ ...tool, forget }))),
      quota: createQuota(0.001, burst, () => 0),
      observer: { started: () => undefined, finished: () => undefined },
      limits: { concurrency: 1, queue: 1, queueWaitSeconds: 1, resultBytes: 1000, inputWaitSeconds: 3600 },
      now: () => 0,
    });
  }
  const canBeAsked = (ask: Ask) => callOf('asks', { ask, canAnswer: () => true });

  it('after a stop has begun, is refused and asks nobody', async () => {
    const run = Promise.withResolvers<undefined>();
    const executor = start(async () => {
      await run.promise;
      return inputRequired({ who: elicitation });
    });
    let asked = 0;
    const outcome = executor.execute(
      canBeAsked(() => {
        asked += 1;
        return new Promise(() => undefined);
      }),
    );
    const drained = executor.drain();
    run.resolve(undefined);
    await drained;
    expect(await outcome).toMatchObject({ status: 'error', reason: 'overloaded' });
    expect(asked).toBe(0);
  });

  it('is forgotten by its tool when it is not gone on with, and not before', async () => {
    const kept = { offer: 'kept' };
    const forgotten: unknown[] = [];
    const executor = start(
      () => inputRequired({ who: elicitation }, kept),
      10,
      (state) => forgotten.push(state),
    );
    const refusal = failed('tool_error', 'it refused');
    const answers = [answered, refusal];
    const ask: Ask = () => {
      expect(forgotten).toEqual([]);
      return Promise.resolve(answers.shift() ?? refusal);
    };
    expect(await executor.execute(canBeAsked(ask))).toMatchObject({ reason: 'tool_error' });
    expect(forgotten).toEqual([kept]);
  });

  it('is forgotten by its tool when its client comes back for nothing, and not when it may try again', async () => {
    const run = Promise.withResolvers<undefined>();
    const forgotten: unknown[] = [];
    const executor = start(
      () => run.promise.then(() => 'done'),
      10,
      (state) => forgotten.push(state),
    );
    const leave = new AbortController();
    const comesBack = (state: object, more: Partial<ToolCall> = {}) =>
      executor.execute(callOf('asks', { state, ...more }));
    const running = executor.execute(callOf('asks'));
    const waiting = comesBack({ of: 'who leaves' }, { signal: leave.signal });
    expect(await comesBack({ of: 'who is refused' })).toMatchObject({ reason: 'overloaded' });
    leave.abort();
    expect(await waiting).toMatchObject({ reason: 'cancelled' });
    const caller = { ...trustedCaller('somebody'), rights: [] };
    expect(await comesBack({ of: 'who may not any more' }, { caller })).toMatchObject({
      reason: 'unknown_tool',
    });
    expect(forgotten).toEqual([{ of: 'who leaves' }, { of: 'who may not any more' }]);
    run.resolve(undefined);
    await running;
  });

  it('takes one from the quota, however often it asks', async () => {
    const executor = start(
      (_args, { answers }) => (answers['who'] === undefined ? inputRequired({ who: elicitation }) : 'done'),
      1,
    );
    const call = canBeAsked(() => Promise.resolve({ status: 'answered', answers: { who: 'Ada' } }));
    expect(await executor.execute(call)).toMatchObject({ status: 'success' });
    expect(await executor.execute(call)).toMatchObject({ status: 'error', reason: 'rate_limited' });
  });
});
