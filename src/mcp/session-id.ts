import { timingSafeEqual } from 'node:crypto';
import type { SessionNotFoundReason } from '../monitoring/metrics/labels.ts';
import type { Seal } from './seal.ts';

/** What a session is rebuilt from. */
export interface SessionFacts {
  /** When it began, in seconds of Unix time. */
  readonly bornAt: number;
  /** The protocol revision that was agreed on. */
  readonly revision: string;
  readonly client: { readonly name: string; readonly version: string };
  readonly capabilities: Readonly<Record<string, unknown>>;
}

export type FoundSession =
  | { readonly ok: true; readonly facts: SessionFacts }
  | { readonly ok: false; readonly reason: SessionNotFoundReason };

/** Longest id, in characters (MCP 2025-11-25, "Session Management": visible ASCII). */
const MAX_ID = 512;

/** Most of a client's name, and of its version, that an id carries, in bytes of JSON. */
const MAX_NAME = 120;
const MAX_VERSION = 48;

/** What a tool may ask a client for (MCP 2025-11-25, "Client Capabilities"). */
const CAPABILITIES = {
  elicitation: { form: {}, url: {} },
  sampling: { context: {}, tools: {} },
  roots: { listChanged: {} },
};

/** Session ids that say what the session is, so that whoever has the key can serve it. */
export class SessionIds {
  readonly #seal: Seal;
  readonly #maxAgeSeconds: number;
  readonly #unixTime: () => number;

  /** @param unixTime in seconds */
  constructor(seal: Seal, maxAgeSeconds: number, unixTime: () => number) {
    this.#seal = seal;
    this.#maxAgeSeconds = maxAgeSeconds;
    this.#unixTime = unixTime;
  }

  /** An id for a session that a caller begins now, and what of the session it carries. */
  make(
    callerId: string,
    { revision, client, capabilities }: Omit<SessionFacts, 'bornAt'>,
  ): { readonly id: string; readonly facts: SessionFacts } {
    const facts = {
      bornAt: Math.floor(this.#unixTime()),
      revision,
      client: { name: cut(client.name, MAX_NAME), version: cut(client.version, MAX_VERSION) },
      capabilities: partOf(capabilities, CAPABILITIES),
    };
    const opener = this.#seal.digest(callerId).toString('base64url');
    const { name, version } = facts.client;
    const content = [facts.bornAt, opener, revision, name, version, facts.capabilities];
    return { id: this.#seal.seal(JSON.stringify(content)), facts };
  }

  /** What an id says to a caller. Who opened it is compared in constant time. */
  open(id: string, callerId: string): FoundSession {
    const opened = this.#seal.open(id.length > MAX_ID ? '' : id);
    if (!opened.ok) return opened;
    const [bornAt, opener, revision, name, version, capabilities] = JSON.parse(opened.text) as [
      ...[number, string, string, string, string],
      SessionFacts['capabilities'],
    ];
    if (!timingSafeEqual(Buffer.from(opener, 'base64url'), opened.digest(callerId)))
      return { ok: false, reason: 'other_caller' };
    const facts = { bornAt, revision, client: { name, version }, capabilities };
    return this.isTooOld(facts) ? { ok: false, reason: 'expired' } : { ok: true, facts };
  }

  /** Whether a session is too old. */
  isTooOld({ bornAt }: SessionFacts): boolean {
    return this.#unixTime() >= bornAt + this.#maxAgeSeconds;
  }
}

/**
 * What logs and traces call a session: the end of its id, which no other has, and which nobody can use it with.
 * @returns 22 characters
 */
export const sessionName = (id: string): string => id.slice(-22);

/** The beginning of a text, as much as takes no more than so many bytes of JSON. */
function cut(text: string, bytes: number): string {
  let part = text.slice(0, bytes).toWellFormed();
  while (Buffer.byteLength(JSON.stringify(part)) > bytes) part = part.slice(0, -1).toWellFormed();
  return part;
}

/** Those fields of an object that a shape has; what is not an object is kept if it is true or false. */
function partOf(value: Readonly<Record<string, unknown>>, shape: object): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(shape) as [string, object][]) {
    const part = value[key];
    if (typeof part === 'boolean') kept[key] = part;
    else if (typeof part === 'object' && part !== null)
      kept[key] = partOf(part as Record<string, unknown>, inner);
  }
  return kept;
}
