import { timingSafeEqual } from 'node:crypto';
import type { Caller } from '../../authorization/caller.ts';
import type { Audit } from '../../monitoring/audit/audit.ts';
import type { CallTrace } from '../../tools/call.ts';
import { fieldOf, textOf, type Request } from './messages.ts';

/** Seals texts that clients carry, as `Seal` does. */
export interface SessionSeal {
  digest(text: string): Buffer;
  seal(text: string, context: string): string;
  open(
    sealed: string,
    context: string,
  ):
    | { readonly ok: true; readonly text: string; readonly digest: (text: string) => Buffer }
    | { readonly ok: false; readonly reason: 'unknown' | 'forged' };
}

/** A session of a client with an upstream. */
export interface RelayedSession {
  /** As the upstream calls it. */
  readonly id: string;
  /** Who its client said it is. */
  readonly client: { readonly name?: string | undefined; readonly version?: string | undefined };
  /** As its client calls it. */
  readonly sealed: string;
}

/** Who sent the request that opened a session, and where it is in our trace. */
interface Opener {
  readonly caller: Caller;
  readonly requestId: string;
  readonly trace: CallTrace | undefined;
}

export type FoundSession =
  | { readonly ok: true; readonly session: RelayedSession }
  | { readonly ok: false; readonly reason: 'unknown' | 'forged' | 'other_caller' };

/** The longest id of a session that an upstream may give, in characters; and of one that a client brings. */
const MAX_ID = 2048;
const MAX_SEALED = 4096;

/** Sessions of which is remembered whose they are, so that they need not be opened with each request. */
const MAX_REMEMBERED = 1024;

/** Most of a client's name, and of its version, that an id carries, in characters. */
const MAX_TEXT = 48;

/**
 * The ids by which clients know their sessions with an upstream: the upstream's own, sealed with who opened the session, so that
 * no caller can use, or guess, another's. Whoever has the key can serve the session.
 */
export class RelayedSessions {
  readonly #seal: SessionSeal;
  readonly #upstream: string;
  readonly #audit: Pick<Audit, 'sessionOpened'> | undefined;
  /** By id and caller; the oldest first. */
  readonly #remembered = new Map<string, RelayedSession>();

  /**
   * @param upstream its name: what is sealed for one does not open for another
   * @param audit is told of sessions that are opened
   */
  constructor(seal: SessionSeal, upstream: string, audit?: Pick<Audit, 'sessionOpened'>) {
    this.#seal = seal;
    this.#upstream = upstream;
    this.#audit = audit;
  }

  /** A session that a caller has begun; `undefined` where the upstream's id is longer than can be carried. */
  begin(callerId: string, id: string, client: RelayedSession['client']): RelayedSession | undefined {
    if (id.length > MAX_ID) return undefined;
    const opener = this.#seal.digest(callerId).toString('base64url');
    const [name, version] = [cut(client.name), cut(client.version)];
    const sealed = this.#seal.seal(JSON.stringify([opener, id, name, version]), this.#upstream);
    return { id, client: { name, version }, sealed };
  }

  /**
   * What the client is to call the session that an answer names. One that the request did not name has been opened.
   * @param session the one that the request named
   * @param asked what the request brought: one that begins a session says who its client is
   */
  sealedId(
    id: string,
    session: RelayedSession | undefined,
    { caller, requestId, trace }: Opener,
    asked: readonly Request[],
  ): string | undefined {
    if (session?.id === id) return session.sealed;
    const client = asked
      .map(({ params }) => fieldOf(params, 'clientInfo'))
      .find((info) => info !== undefined);
    const opened = this.begin(caller.id, id, {
      name: textOf(fieldOf(client, 'name')),
      version: textOf(fieldOf(client, 'version')),
    });
    if (!opened) return undefined;
    this.#audit?.sessionOpened({
      caller,
      upstream: this.#upstream,
      transport: 'http',
      sessionId: nameOf(opened),
      clientName: opened.client.name,
      clientVersion: opened.client.version,
      requestId,
      traceId: trace?.traceId,
    });
    return opened.sealed;
  }

  /** The session that a caller names. */
  find(callerId: string, sealed: string): FoundSession {
    // No value of a header has a line break.
    const key = `${sealed}\n${callerId}`;
    const known = this.#remembered.get(key);
    if (known) return { ok: true, session: known };
    const found = this.#open(callerId, sealed);
    if (!found.ok) return found;
    this.#remembered.set(key, found.session);
    const [oldest = key] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(oldest);
    return found;
  }

  /** Who opened it is compared in constant time. */
  #open(callerId: string, sealed: string): FoundSession {
    const opened = this.#seal.open(sealed.length > MAX_SEALED ? '' : sealed, this.#upstream);
    if (!opened.ok) return opened;
    const [opener, id, name, version] = JSON.parse(opened.text) as [string, string, string?, string?];
    if (!timingSafeEqual(Buffer.from(opener, 'base64url'), opened.digest(callerId)))
      return { ok: false, reason: 'other_caller' };
    return {
      ok: true,
      session: { id, client: { name: name ?? undefined, version: version ?? undefined }, sealed },
    };
  }
}

/** What logs and traces call a session: nobody can use it by that. */
export const nameOf = ({ sealed }: RelayedSession): string => sealed.slice(-22);

const cut = (text: string | undefined): string | undefined => text?.slice(0, MAX_TEXT).toWellFormed();
