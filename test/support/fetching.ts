import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { expect } from 'vitest';
import { anyNetwork, publicInternet, type EgressPolicy } from '../../src/tools/egress-policy.ts';
import { guardedFetch, type FetchedDocument, type FetchOptions } from '../../src/tools/guarded-fetch.ts';
import type { ResolveHost } from '../../src/tools/resolve-host.ts';
import { RESULT_KIND } from '../../src/tools/result.ts';

/** Takes every name for this machine. */
const toLoopback: ResolveHost = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

/** A fetch without restrictions, within small limits. */
export function options(overrides: Partial<FetchOptions> = {}): FetchOptions {
  return {
    policy: anyNetwork,
    resolveHost: toLoopback,
    timeoutSeconds: 4,
    maxBytes: 10_000,
    maxRedirects: 3,
    signal: new AbortController().signal,
    ...overrides,
  };
}

/** The document of a fetch that must succeed. */
export async function fetched(url: string, overrides?: Partial<FetchOptions>): Promise<FetchedDocument> {
  const result = await guardedFetch(url, options(overrides));
  if (RESULT_KIND in result) throw new Error(result.message);
  return result;
}

/** The message of a fetch that must end as the tool's own failure. */
export async function refused(url: string, overrides?: Partial<FetchOptions>): Promise<string> {
  const result = await guardedFetch(url, options(overrides));
  if (!(RESULT_KIND in result)) throw new Error(`fetched ${result.body.length} bytes`);
  expect(result.reason).toBe('tool_error');
  return result.message;
}

/** The public internet, except that the first address judged is let through: stands in for a public entry. */
export function publicEntry(): EgressPolicy {
  let entered = false;
  return {
    permitsName: publicInternet.permitsName,
    permitsAddress(address) {
      if (entered) return publicInternet.permitsAddress(address);
      entered = true;
      return true;
    },
  };
}

/** Resolves when a connection is closed. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

/** Answers with a redirect. */
export function redirect(response: ServerResponse, location: string, status = 302): void {
  response.writeHead(status, { location }).end('moved');
}

/** Writes for as long as the client reads. */
export function writeForever(response: ServerResponse, chunk: Buffer): void {
  const write = (): void => {
    if (response.destroyed) return;
    if (response.write(chunk)) setImmediate(write);
    else response.once('drain', write);
  };
  write();
}
