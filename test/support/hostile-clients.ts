import { once } from 'node:events';
import type { Socket } from 'node:net';
import { dial, requestBytes } from '../http/raw-client.ts';

/** A number from 0 to 1; the same sequence for the same seed. */
export type Random = () => number;

/** The generator mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const BOTH = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const KEEP = { connection: undefined };
const PATIENCE_MS = 2000;

interface Hostility {
  readonly url: string;
  readonly random: Random;
  /** Headers that make it one of many clients. */
  readonly who: Readonly<Record<string, string>>;
}

type Shape = (hostility: Hostility) => Promise<void>;

/** Sends bytes, waits until an answer has begun, the connection has ended or patience has, and hangs up. */
async function send(url: string, bytes: Buffer, { reads = true } = {}): Promise<string> {
  const socket = await dial(url);
  let text = '';
  socket.on('error', () => undefined);
  if (reads) socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  else socket.pause();
  socket.write(bytes);
  await settled(socket, () => text !== '');
  socket.destroy();
  return text;
}

async function settled(socket: Socket, isEnough: () => boolean): Promise<void> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    while (!isEnough())
      await Promise.race([once(socket, 'data', { signal: patience }), once(socket, 'close')]);
  } catch {
    // Patience is over, or the connection is.
  }
}

const message = (method: string, params: unknown, id: unknown = 1) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
});

const post = (
  path: string,
  who: Hostility['who'],
  body: unknown,
  headers: Record<string, string> = {},
): Buffer => requestBytes(`POST ${path}`, { ...KEEP, ...BOTH, ...who, ...headers }, JSON.stringify(body));

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'hostile', version: '1' },
};

const modern = (name: string, args: unknown, { who }: Pick<Hostility, 'who'>, meta: object = {}): Buffer =>
  post('/mcp', who, message('tools/call', { name, arguments: args, _meta: { ...META, ...meta } }), {
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
  });

const initialize = (protocolVersion: string, more: object = {}) =>
  message('initialize', {
    protocolVersion,
    capabilities: { elicitation: {} },
    clientInfo: { name: 'hostile', version: '1' },
    ...more,
  });

/** Opens a session; `undefined` if that was refused. */
async function openSession(
  { url, who }: Hostility,
  version: string,
): Promise<Record<string, string> | undefined> {
  const text = await send(url, post('/mcp', who, initialize(version)));
  const id = /^mcp-session-id: (.*)$/im.exec(text)?.[1]?.trim();
  return id === undefined ? undefined : { 'mcp-session-id': id, 'mcp-protocol-version': version };
}

const pick = <Item>(random: Random, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)] as Item;
const upTo = (random: Random, most: number): number => Math.ceil(random() * most);

/** What was found to stop a server, empty its memory or hold up its other clients; and what is merely broken. */
const SHAPES: Readonly<Record<string, Shape>> = {
  'a Host of many labels': async ({ url, random }) => {
    await send(url, requestBytes('GET /', { ...KEEP, host: 'a.'.repeat(upTo(random, 7000)) }));
  },
  'requests sent ahead': async ({ url, random, who }) => {
    const path = pick(random, ['/metrics', '/', '/openapi.json', '/tools', '/livez']);
    const all = Array.from({ length: upTo(random, 200) }, () =>
      requestBytes(`GET ${path}`, { ...KEEP, ...who }),
    );
    await send(url, Buffer.concat(all));
  },
  'a batch that cancels before it asks': async (hostility) => {
    const session = await openSession(hostility, '2025-03-26');
    if (!session) return;
    const id = upTo(hostility.random, 1e9);
    const text = 'x'.repeat(upTo(hostility.random, 900_000));
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } };
    const call = message('tools/call', { name: 'fails', arguments: { text } }, id);
    await send(hostility.url, post('/mcp', hostility.who, [cancel, call], session));
  },
  'a description of a client without end': async ({ url, random, who }) => {
    const icons = Array.from({ length: upTo(random, 100_000) }, () => ({}));
    const meta = Object.fromEntries(
      Array.from({ length: upTo(random, 20_000) }, (_each, key) => [`k${key}`, 1]),
    );
    await send(
      url,
      pick(random, [
        post('/mcp', who, initialize('2025-11-25', { clientInfo: { name: 'x', version: '1', icons } })),
        post('/mcp', who, initialize('2025-11-25', { capabilities: meta })),
        modern('heap', {}, { who }, meta),
        modern(
          'heap',
          {},
          { who },
          { 'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1', icons } },
        ),
      ]),
    );
  },
  'answers that nobody reads': async ({ url, random, who }) => {
    const calls = Array.from({ length: upTo(random, 12) }, () => modern('large', {}, { who }));
    await send(url, Buffer.concat(calls), { reads: false });
  },
  'progress in a loop': async ({ url, random, who }) => {
    const name = pick(random, ['chatters', 'chatters_in_thread']);
    await send(url, modern(name, {}, { who }, { progressToken: 1 }), { reads: random() < 0.5 });
  },
  'failures with large arguments': async ({ url, random, who }) => {
    const text = `${random()}${'x'.repeat(upTo(random, 500_000))}`;
    await send(url, modern('fails', { text }, { who }));
  },
  'a resumed stream': async (hostility) => {
    const { url, who } = hostility;
    const session = await openSession(hostility, '2025-11-25');
    if (!session) return;
    const call = message('tools/call', { name: 'large', arguments: {} });
    const text = await send(url, post('/mcp', who, call, session));
    const last = /^id: (.*)$/m.exec(text)?.[1]?.trim();
    const resume = requestBytes('GET /mcp', {
      ...{ ...KEEP, ...who, ...session, accept: 'text/event-stream' },
      ...(last !== undefined && { 'last-event-id': last }),
    });
    await Promise.all(Array.from({ length: 5 }, () => send(url, resume, { reads: false })));
  },
  'heavy work': async ({ url, who }) => {
    await send(url, modern('works', {}, { who }));
  },
  'a question that nobody answers': async (hostility) => {
    const session = await openSession(hostility, '2025-11-25');
    if (!session) return;
    const call = message('tools/call', { name: 'wonders', arguments: {} });
    await send(hostility.url, post('/mcp', hostility.who, call, session));
  },
  'what REST does not know': async ({ url, random, who }) => {
    const unknown = { ['k'.repeat(upTo(random, 900_000))]: 1 };
    await send(
      url,
      pick(random, [
        post('/execute', who, { tool_name: 'heap', arguments: unknown }),
        post('/execute', who, { tool_name: 'x'.repeat(upTo(random, 900_000)), arguments: {} }),
        post('/execute', who, unknown),
      ]),
    );
  },
  'no JSON': async ({ url, random, who }) => {
    const bytes = Buffer.from(Array.from({ length: upTo(random, 2000) }, () => Math.floor(random() * 256)));
    await send(url, requestBytes('POST /mcp', { ...KEEP, ...BOTH, ...who }, bytes));
  },
  'no HTTP': async ({ url, random }) => {
    await send(
      url,
      Buffer.from(Array.from({ length: upTo(random, 2000) }, () => Math.floor(random() * 256))),
    );
  },
  'half a request': async ({ url, random, who }) => {
    const whole = modern('heap', {}, { who });
    await send(url, whole.subarray(0, upTo(random, whole.length - 1)));
  },
  'brackets without end': async ({ url, random, who }) => {
    const deep = upTo(random, 400_000);
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${'['.repeat(deep)}${']'.repeat(deep)}}`;
    await send(url, requestBytes('POST /mcp', { ...KEEP, ...BOTH, ...who }, body));
  },
  'sessions that are abandoned': async (hostility) => {
    await openSession(hostility, pick(hostility.random, ['2025-11-25', '2025-06-18', '2024-11-05']));
  },
};

/** How many clients there are, and how many of them are at it at a time. */
const CLIENTS = 50;
const AT_A_TIME = 24;

/** Sends requests of random shapes, at most two dozen at a time. Resolves when all have been answered or given up. */
export async function beHostile(url: string, count: number, random: Random): Promise<void> {
  let left = count;
  const shapes = Object.values(SHAPES);
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const client = upTo(random, CLIENTS);
      const padding = random() < 0.1 ? 'x'.repeat(upTo(random, 8000)) : '10.0.0.1';
      const who = { 'x-forwarded-for': `${padding}, 10.1.0.${client}` };
      await pick(
        random,
        shapes,
      )({ url, random, who }).catch((error: unknown) => {
        // A connection that was refused or cut is an answer, too; a server that is gone is none.
        if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
