import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parseMetrics, type Samples } from '../support/metrics-text.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { waitFor } from '../support/wait.ts';
import { healthyCalls, type Fault } from './faults.ts';

const PROCESS = fileURLToPath(new URL('../support/discovering-process.ts', import.meta.url));

/** When a server last had a list of its upstreams, in seconds since the epoch. */
const LAST_SYNC = 'mcp_discovery_last_sync_timestamp_seconds';

let child: ChildProcess;

async function start(settings: object): Promise<ServerProcess> {
  child = fork(PROCESS, [JSON.stringify(settings)]);
  const [url] = (await once(child, 'message')) as [string];
  const port = Number(new URL(url).port);
  return {
    port,
    url,
    logs: [],
    signal: (signal) => void child.kill(signal),
    async stop() {
      const exited = once(child, 'exit') as Promise<[number | null]>;
      child.disconnect();
      const [code] = await exited;
      return code;
    },
  };
}

const scrape = async ({ url }: ServerProcess): Promise<Samples> =>
  parseMetrics(await (await fetch(`${url}/metrics`)).text());

/** Waits for another list. */
async function listsAgain(server: ServerProcess): Promise<void> {
  const now = Date.now() / 1000;
  await waitFor(async () => {
    expect((await scrape(server)).value(LAST_SYNC)).toBeGreaterThan(now);
  }, 120_000);
}

/** Waits for another list that fails. */
async function failsAgain(server: ServerProcess): Promise<void> {
  const errors = async (): Promise<number> =>
    (await scrape(server)).value('mcp_discovery_errors_total', { reason: 'unavailable' }) ?? 0;
  const before = await errors();
  await waitFor(async () => {
    expect(await errors()).toBeGreaterThan(before);
  }, 120_000);
}

/** The Kubernetes API does not list Services: what has changed since is not known. */
export const STALE_DISCOVERY: Fault = {
  name: 'stale-discovery',
  start,
  calm: async (server) => Promise.all([healthyCalls(server), listsAgain(server)]),
  begin: async (server) => {
    child.send(true);
    await failsAgain(server);
    return {
      step: () => Promise.all([healthyCalls(server), failsAgain(server)]),
      end: () => {
        child.send(false);
        return listsAgain(server);
      },
    };
  },
  notifies: ['NexusMCPDiscoveryStale warning'],
};

/** Which times of this machine are said to be which, in seconds since the epoch. */
export class SaidTimes {
  readonly #moments: { readonly real: number; readonly said: number }[] = [];

  /** From now on it is said to be this time. */
  note(said: number): void {
    this.#moments.push({ real: Date.now() / 1000, said });
  }

  /** What a server answered to a scrape, with the moment of its last list of upstreams at the time that it is said to have been. */
  inMetrics(metrics: string): string {
    return metrics.replace(
      new RegExp(`^(${LAST_SYNC}) (\\S+)$`, 'm'),
      (_line, name: string, value: string) => {
        const moment = this.#moments.findLast(({ real }) => real <= Number(value)) ?? this.#moments[0];
        return `${name} ${String(moment?.said)}`;
      },
    );
  }
}
