import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { BesiegedServer } from '../test/support/besieged-server.ts';
import { randomFrom } from '../test/support/hostile-clients.ts';

const [requests = 20_000, seed = 1] = process.argv.slice(2).map(Number);
const BURST = 1000;
const PROBES = 20;
/** The longest that a probe may take while nobody is hostile, in seconds. */
const LATEST = 0.25;
const PATIENCE_SECONDS = 60;

const server = await BesiegedServer.start();
const random = randomFrom(seed);
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Waits until nothing is left; exits when that takes too long. */
async function quiet(): Promise<void> {
  for (let waited = 0; ; waited += 0.2) {
    const left = await server.left();
    if (Object.keys(left).length === 0) return;
    if (waited > PATIENCE_SECONDS) throw new Error(`this was left: ${JSON.stringify(left)}`);
    await sleep(200);
  }
}

try {
  await server.endure(BURST, random);
  await quiet();
  const before = await server.memory();
  let latest = 0;
  for (let sent = 0; sent < requests; sent += BURST) {
    await server.endure(Math.min(BURST, requests - sent), random);
    await quiet();
    const probes: number[] = [];
    for (let probe = 0; probe < PROBES; probe += 1) probes.push(await server.probe());
    const slowest = Math.max(...probes);
    latest = Math.max(latest, slowest);
    const memory = await server.memory();
    console.log(
      `${Math.min(sent + BURST, requests)} requests: ${megabytes(memory)} in use (${megabytes(before)} before), slowest /livez afterwards ${(slowest * 1000).toFixed(0)} ms`,
    );
  }
  if (latest > LATEST) throw new Error(`a probe took ${latest.toFixed(3)} s`);
  console.log(`exit code ${String(await server.stop())}`);
} finally {
  await server.stop('SIGKILL');
}
