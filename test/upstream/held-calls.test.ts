import { afterEach, expect, it, vi } from 'vitest';
import { failed } from '../../src/tools/call.ts';
import type { ToolContext } from '../../src/tools/tool.ts';
import { Fault } from '../../src/upstream/fault.ts';
import { Asks, HeldCalls, NotHeld } from '../../src/upstream/held-calls.ts';
import type { Asking, Reply } from '../../src/upstream/questions.ts';

const owner = (caller: string, client = caller) => ({ caller, client });

function contextOf(answers: ToolContext['answers'] = {}, signal = new AbortController().signal): ToolContext {
  const none = (): void => undefined;
  const functions = { progress: none, log: none, releaseConnection: none };
  return { ...functions, signal, answers, state: undefined, canElicit: true };
}

/** Calls to an upstream that only does what the test has it do, and a clock that the test moves. */
function calls() {
  const clock = { time: 0 };
  let ids = 0;
  const held = new HeldCalls({ waitSeconds: 300, now: () => clock.time, newId: () => `id ${(ids += 1)}` });
  const begin = (caller = 'ada', client = caller, context = contextOf()) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    let within: { readonly context: ToolContext; readonly asking: Asking } | undefined;
    const next = held.begin(owner(caller, client), context, (of, asking) => {
      within = { context: of, asking };
      of.signal.addEventListener('abort', () => {
        reject(of.signal.reason);
      });
      return promise;
    });
    if (!within) throw new Error('the call was not made');
    return { next, resolve, ...within };
  };
  const asks = async (caller?: string, client?: string, reply: Reply = () => Promise.resolve()) => {
    const call = begin(caller, client);
    call.asking.ask({ message: 'Sure?' }, reply);
    const next = await call.next;
    if (!(next instanceof Asks)) throw new Error('it does not ask');
    return { ...call, id: next.id, requests: next.requests };
  };
  return { held, clock, begin, asks };
}

afterEach(() => {
  vi.useRealTimers();
});

it('a call that does not ask has its result', async () => {
  const { begin } = calls();
  const call = begin();
  call.resolve('done');
  expect(await call.next).toBe('done');
});

it('a call that asks goes on with the answer, and what it says reaches who goes on with it', async () => {
  const { held, asks } = calls();
  const replies: unknown[] = [];
  const call = await asks('ada', 'ada', (answer) => Promise.resolve(void replies.push(answer)));
  expect(call.requests).toEqual({
    question_1: { method: 'elicitation/create', params: { message: 'Sure?' } },
  });
  const progress: number[] = [];
  const round = {
    ...contextOf({ question_1: { action: 'decline' } }),
    progress: (done: number) => progress.push(done),
  };
  const next = held.resume(call.id, owner('ada'), round);
  expect(replies).toEqual([{ result: { action: 'decline' } }]);
  call.context.progress(7);
  call.resolve('done');
  expect(await next).toBe('done');
  expect(progress).toEqual([7]);
});

it('a question that was not answered is asked again, and one that the upstream has given up is not', async () => {
  const { held, asks } = calls();
  const call = await asks();
  const again = await held.resume(call.id, owner('ada'), contextOf({ question_1: 'no object' }));
  expect(again).toMatchObject({ requests: call.requests });
  call.resolve('it does without');
  await new Promise(setImmediate);
  expect(await held.resume((again as Asks).id, owner('ada'), contextOf())).toBe('it does without');
});

it('the time in which a client was asked is no time of the upstream', async () => {
  const { held, asks, clock } = calls();
  const call = await asks();
  clock.time = 100;
  expect(call.asking.waited()).toBe(100);
  const next = held.resume(call.id, owner('ada'), contextOf({ question_1: {} }));
  clock.time = 150;
  expect(call.asking.waited()).toBe(100);
  call.resolve('done');
  await next;
});

it('nobody goes on with the call of another, or with one twice', async () => {
  const { held, asks } = calls();
  const call = await asks('ada');
  const by = (caller: string) => held.resume(call.id, owner(caller), contextOf({ question_1: {} }));
  await expect(by('eve')).rejects.toThrow(NotHeld);
  const next = by('ada');
  await expect(by('ada')).rejects.toMatchObject({ failure: { reason: 'unavailable' } });
  call.resolve('done');
  expect(await next).toBe('done');
});

it('so many wait of a client, and so many of all; each gives its place back', async () => {
  const { held, asks } = calls();
  const [first] = await Promise.all(Array.from({ length: 20 }, () => asks('ada')));
  await expect(asks('ada')).rejects.toMatchObject({ failure: { reason: 'cancelled' } });
  for (let client = 0; client < 80; client += 1) await asks(`client ${client}`);
  await expect(asks('late')).rejects.toMatchObject({ failure: { reason: 'overloaded' } });
  held.forget(first?.id ?? '');
  await asks('ada');
});

it('a call that is not held for want of a place ends at the upstream, too', async () => {
  const { asks, begin } = calls();
  await Promise.all(Array.from({ length: 20 }, () => asks('ada')));
  const call = begin('ada');
  call.asking.ask({}, () => Promise.resolve());
  await expect(call.next).rejects.toThrow(NotHeld);
  expect(call.context.signal.aborted).toBe(true);
});

it('of a call so many questions are kept; the rest is refused', async () => {
  const { begin } = calls();
  const call = begin();
  const refused: unknown[] = [];
  for (let question = 0; question < 10; question += 1)
    call.asking.ask({}, (answer) => Promise.resolve(void refused.push(answer)));
  const next = await call.next;
  expect(Object.keys((next as Asks).requests)).toHaveLength(8);
  expect(refused).toHaveLength(2);
  expect(refused[0]).toMatchObject({ error: { message: expect.stringMatching(/8 questions/) as string } });
});

it('a call that nobody goes on with in time ends', async () => {
  vi.useFakeTimers();
  const { held, asks } = calls();
  const call = await asks();
  await vi.advanceTimersByTimeAsync(300_000);
  expect(call.context.signal.aborted).toBe(true);
  await expect(held.resume(call.id, owner('ada'), contextOf())).rejects.toThrow(NotHeld);
});

it('a call ends with the round that is ended, and when all end', async () => {
  const { held, asks, begin } = calls();
  const abort = new AbortController();
  const running = begin('ada', 'ada', contextOf({}, abort.signal));
  abort.abort(failed('timeout', 'late'));
  await expect(running.next).rejects.toMatchObject({ reason: 'timeout' });
  const waiting = await asks();
  held.close();
  expect(waiting.context.signal.aborted).toBe(true);
});

it('a call that asks after all have ended is not held, and ends at the upstream', async () => {
  const { held, begin } = calls();
  const call = begin();
  held.close();
  call.asking.ask({}, () => Promise.resolve());
  await expect(call.next).rejects.toMatchObject({ failure: { reason: 'unavailable' } });
  expect(call.context.signal.aborted).toBe(true);
});

it('an answer that the upstream does not take ends the call for that reason', async () => {
  const { held, asks } = calls();
  const fault = new Fault('connection', 'connection refused');
  const call = await asks('ada', 'ada', () => Promise.reject(fault));
  await expect(held.resume(call.id, owner('ada'), contextOf({ question_1: {} }))).rejects.toBe(fault);
});
