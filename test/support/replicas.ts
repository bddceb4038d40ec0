import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Settings = Record<string, Record<string, unknown>>;

/** Systems give ports above these to whoever connects or listens anywhere; so nobody gets one before it is used. */
const LEAST_PORT = 10_240;
const LEAST_GIVEN_PORT = 32_768;

/** Ports that nobody listens on now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  while (servers.length < count) {
    const server = createServer().listen(randomInt(LEAST_PORT, LEAST_GIVEN_PORT), '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A file with keys, on a line each. */
export function keyFile(keys: readonly string[] = [newKey()]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'keys-')), 'state-key');
  writeFileSync(path, keys.join('\n'));
  return path;
}

export const newKey = (): string => randomBytes(48).toString('base64');

/** The settings of replicas that share a key and know each other, a replica each. */
export async function settingsOfReplicas(count: number, key = keyFile()): Promise<readonly Settings[]> {
  const ports = await freePorts(count);
  const peers = ports.map((port) => `127.0.0.1:${port}`);
  return ports.map((port) => ({
    ops: { port },
    sessions: { stateKeyFile: key, address: '127.0.0.1', peers },
  }));
}
