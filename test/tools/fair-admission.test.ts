import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Caller } from '../../src/authorization/caller.ts';
import { Admission, createLane, type Lane, type Release } from '../../src/tools/admission.ts';
import { Catalogue } from '../../src/tools/catalogue.ts';
import { Executor } from '../../src/tools/executor.ts';
import { offerToolsets } from '../../src/tools/offered-tool.ts';
import type { ToolDefinition } from '../../src/tools/tool.ts';
import { callOf } from '../support/call-records.ts';

const patient = new AbortController().signal;
const PATIENCE_SECONDS = 3600;

/** Lets the promises that are settled go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a light client beside one that floods', () => {
  const caller = (quotaKey: string): Caller => ({ id: quotaKey, name: quotaKey, quotaKey, rights: ['*'] });
  let order: string[];
  let runs: { readonly client: string; readonly end: () => void }[];
  let executor: Executor;

  /** Two isolated tools share one thread, and a third is not isolated. */
  function start(queue: number): void {
    order = [];
    runs = [];
    const run = (client: string): Promise<string> =>
      new Promise((resolve) => {
        order.push(client);
        runs.push({
          client,
          end: () => {
            resolve(client);
          },
        });
      });
    const tool = (name: string, more: Partial<ToolDefinition>): ToolDefinition => ({
      name,
      title: name,
      description: name,
      input: z.strictObject({ client: z.string() }),
      annotations: { readOnly: true, idempotent: true, openWorld: false },
      handler: (args) => run((args as { client: string }).client),
      ...more,
    });
    const workers = {
      lane: createLane(1),
      run: (_tool: unknown, args: unknown) => run((args as { client: string }).client),
    };
    const tools = [
      tool('heavy', { isolation: 'worker' }),
      tool('narrow', { isolation: 'worker', maxConcurrency: 1 }),
      tool('plain', {}),
    ];
    const toolset = { name: 'mine', source: 'module' as const, moduleUrl: 'file:///mine.ts', tools };
    const offered = offerToolsets([toolset], workers, {
      defaults: { timeoutSeconds: PATIENCE_SECONDS, maxConcurrency: 64 },
    });
    if (!offered.ok) throw new Error(offered.problems.join('\n'));
    executor = new Executor({
      catalogue: new Catalogue(offered.tools),
      quota: { take: () => 0 },
      observer: { started: () => undefined, finished: () => undefined },
      limits: {
        concurrency: 256,
        queue,
        queueWaitSeconds: PATIENCE_SECONDS,
        resultBytes: 1000,
        inputWaitSeconds: 1,
      },
      now: () => 0,
    });
  }

  async function call(client: string, name = 'heavy'): Promise<string> {
    const outcome = await executor.execute(callOf(name, { arguments: { client }, caller: caller(client) }));
    return outcome.status === 'error' ? outcome.reason : outcome.status;
  }

  /** Ends what runs, one after the other, until nothing does. */
  async function endAll(): Promise<void> {
    for (let next = runs.shift(); next; next = runs.shift()) {
      next.end();
      await settle();
    }
  }

  it('waits for one call of each other client', async () => {
    start(100);
    const flood = Array.from({ length: 40 }, () => call('flood'));
    await settle();
    const others = [call('light'), call('other'), call('light')];
    await settle();
    await endAll();
    expect(await Promise.all([...flood, ...others])).toEqual(Array.from({ length: 43 }, () => 'success'));
    // The first was running already.
    expect(order.slice(0, 7)).toEqual(['flood', 'flood', 'light', 'other', 'flood', 'light', 'flood']);
  });

  it('waits no longer when the flood comes by another tool of the same threads, that has few places', async () => {
    start(100);
    const flood = Array.from({ length: 40 }, () => call('flood', 'narrow'));
    await settle();
    const light = call('light');
    await settle();
    await endAll();
    expect(await light).toBe('success');
    expect(order.slice(0, 3)).toEqual(['flood', 'flood', 'light']);
    await Promise.all(flood);
  });

  it('is not refused for a queue that the flood has filled', async () => {
    start(10);
    const flood = Array.from({ length: 30 }, () => call('flood'));
    await settle();
    const light = Array.from({ length: 7 }, () => call('light'));
    await settle();
    await endAll();
    const ended = (outcomes: readonly string[]) => outcomes.filter((outcome) => outcome === 'success').length;
    // One ran, ten places in the queue: shared.
    expect(ended(await Promise.all(light))).toBe(5);
    expect(ended(await Promise.all(flood))).toBe(6);
    expect((await Promise.all(flood)).slice(0, 6)).toEqual(Array.from({ length: 6 }, () => 'success'));
  });

  it('does not lose its place for calls of its own that are served elsewhere', async () => {
    start(1000);
    const flood = Array.from({ length: 20 }, () => call('flood'));
    await settle();
    const light = call('light');
    // Served at once, and one after the other.
    const quick = Array.from({ length: 20 }, () => call('light', 'plain'));
    await settle();
    runs.splice(1).forEach(({ end }) => {
      end();
    });
    await Promise.all(quick);
    await endAll();
    await light;
    expect(order.filter((_, index) => index < 1 || index > 20).slice(0, 3)).toEqual([
      'flood',
      'flood',
      'light',
    ]);
    await Promise.all(flood);
  });
});

describe('the order of those that wait', () => {
  let seed: number;
  beforeEach(() => {
    seed = 7;
  });
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    // Its lowest bits are hardly random.
    return (seed >>> 12) % below;
  };

  it('lets a client with one waiting call wait for at most one call of each other client', async () => {
    const admission = new Admission({ queueLimit: 10_000, queueWaitSeconds: PATIENCE_SECONDS });
    const all = createLane(1000);
    const workers = createLane(3);
    const tools = [createLane(1), createLane(2), createLane(1000)].map((own) => [all, workers, own]);
    const held: Release[] = [];
    /** What waits, with how many calls of each other client were let in since, where they are counted. */
    const waiting = new Set<{ readonly client: string; readonly passedBy?: Map<string, number> }>();
    let most = 0;
    let entered = 0;
    const enter = (client: string, lanes: readonly Lane[]): void => {
      // Of several calls of a client the later ones wait for the earlier ones, too; and a tool of few places holds up its own calls.
      const isCounted = lanes === tools[2] && ![...waiting].some((each) => each.client === client);
      const mine = { client, ...(isCounted && { passedBy: new Map<string, number>() }) };
      const wait = admission.enter(client, lanes, patient);
      if (typeof wait === 'function') {
        held.push(wait);
        return;
      }
      if (!wait) throw new Error('refused');
      waiting.add(mine);
      void wait.then((release) => {
        if (!release) throw new Error('refused');
        held.push(release);
        entered += 1;
        waiting.delete(mine);
        for (const { client: other, passedBy } of waiting) {
          if (other === client || !passedBy) continue;
          const passes = (passedBy.get(client) ?? 0) + 1;
          passedBy.set(client, passes);
          most = Math.max(most, passes);
        }
      });
    };
    for (let step = 0; step < 3000; step += 1) {
      const lanes = tools[random(3)] ?? [];
      // One floods, the others come now and then.
      if (random(2) === 0) enter(random(3) > 0 ? 'flood' : `client ${random(6)}`, lanes);
      else held.splice(random(held.length || 1), 1)[0]?.();
      await settle();
    }
    expect(entered).toBeGreaterThan(500);
    expect(most).toBe(1);
    expect(all.busy).toBe(held.length);
  });

  it('looks at those that wait only when a place that some of them need is given up', async () => {
    const admission = new Admission({ queueLimit: 1000, queueWaitSeconds: PATIENCE_SECONDS });
    const [all, worker] = [createLane(1000), createLane(1)];
    let looks = 0;
    const counted = (own: Lane): readonly Lane[] => {
      const lanes = [all, worker, own];
      return Object.assign(lanes, {
        every: (test: (lane: Lane) => boolean) => {
          looks += 1;
          return Array.prototype.every.call(lanes, test as (lane: unknown) => boolean);
        },
      });
    };
    const release = admission.enter('first', counted(createLane(1)), patient) as Release;
    const own = createLane(1000);
    const waits = Array.from({ length: 1000 }, (_, index) =>
      admission.enter(`client ${index % 50}`, counted(own), patient),
    );
    looks = 0;
    for (let turn = 0; turn < 100; turn += 1) (admission.enter('quick', [all], patient) as Release)();
    expect(looks).toBe(0);
    release();
    expect(looks).toBe(1);
    expect(await waits[0]).toBeTypeOf('function');
  });
});
