import { setTimeout as sleep } from 'node:timers/promises';
import process from 'node:process';
import { Agent, request } from 'undici';
import { connect, type Era } from './connect.ts';

// Calls a server all the time, in each way that clients do, until stdin ends. Prints a line when every way has had an answer,
// and another one with what became of all calls.

/** What became of the calls. */
export interface Outcome {
  /** How many had the right answer, by the way they were made. */
  readonly calls: Readonly<Record<string, number>>;
  readonly failures: number;
  /** The first of them. */
  readonly firstFailures: readonly string[];
}

interface Caller {
  readonly call: () => Promise<string>;
  readonly close?: () => Promise<unknown>;
}
/** How calls are made; another caller is made after one has failed, as a client would connect again. */
type Way = () => Promise<Caller>;

const ARGUMENTS = { a: 20, b: 22 };
const ANSWER = '42';
const PAUSE_MS = 40;
const TIMEOUT_MS = 60_000;
const FAILURES_TOLD = 20;

const url = process.argv[2] ?? '';

/** A call over REST; `reset` closes the connection after it. */
const rest =
  (reset: boolean): Way =>
  () => {
    const dispatcher = new Agent({ connections: 1, bodyTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS });
    return Promise.resolve({
      call: async () => {
        const { statusCode, body } = await request(`${url}/execute`, {
          dispatcher,
          reset,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ tool_name: 'add', arguments: ARGUMENTS }),
        });
        return `${statusCode} ${await body.text()}`;
      },
      close: () => dispatcher.destroy(),
    });
  };

/** Calls of a client that stays connected, in the 2025 era with a session and its stream. */
const connected =
  (era: Era): Way =>
  async () => {
    const client = await connect(url, era);
    return {
      call: async () =>
        JSON.stringify(await client.callTool({ name: 'add', arguments: ARGUMENTS }, { timeout: TIMEOUT_MS })),
      close: () => client.close(),
    };
  };

/** Calls of clients that come, call once and go. */
const passing =
  (era: Era): Way =>
  () =>
    Promise.resolve({
      call: async () => {
        const { call, close } = await connected(era)();
        const answer = await call();
        await close?.();
        return answer;
      },
    });

const WAYS: Readonly<Record<string, Way>> = {
  'REST, kept alive': rest(false),
  'REST, a connection each': rest(true),
  '2026-07-28, connected': connected('2026-07-28'),
  '2026-07-28, passing': passing('2026-07-28'),
  '2025-11-25, one session': connected('2025-11-25'),
  '2025-11-25, another session': connected('2025-11-25'),
  '2025-11-25, passing': passing('2025-11-25'),
};

const calls: Record<string, number> = {};
const failures: string[] = [];
let isOver = false;
let hasTold = false;

async function keepCalling(name: string, way: Way): Promise<void> {
  let caller: Caller | undefined;
  while (!isOver) {
    try {
      caller ??= await way();
      const answer = await caller.call();
      if (!answer.includes(ANSWER)) throw new Error(answer);
      calls[name] = (calls[name] ?? 0) + 1;
      tellWhenAllCall();
    } catch (error) {
      failures.push(`${new Date().toISOString()} ${name}: ${textOf(error)}`);
      await caller?.close?.().catch(() => undefined);
      caller = undefined;
    }
    await sleep(PAUSE_MS);
  }
  await caller?.close?.().catch(() => undefined);
}

/** With its causes: `fetch failed` alone says nothing. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${textOf(error.cause)})`;
}

function tellWhenAllCall(): void {
  if (hasTold || Object.keys(calls).length < Object.keys(WAYS).length) return;
  hasTold = true;
  print({ calling: true });
}

const print = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

process.stdin.resume().once('end', () => {
  isOver = true;
});
await Promise.all(Object.entries(WAYS).map(([name, way]) => keepCalling(name, way)));
const outcome: Outcome = {
  calls,
  failures: failures.length,
  firstFailures: failures.slice(0, FAILURES_TOLD),
};
print(outcome);
process.exit(0);
