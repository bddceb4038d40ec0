import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { isInitializeRequest, type Server } from '@modelcontextprotocol/server';
import type { SessionCloseReason } from '../monitoring/labels.ts';
import type { Recorder } from '../monitoring/recorder.ts';
import type { Caller } from '../tools/call.ts';
import { RecentEvents, type ReplayBudget } from './event-store.ts';
import type { ServerFactory } from './server.ts';

export interface SessionLimits {
  readonly max: number;
  readonly idleSeconds: number;
  readonly replayEvents: number;
}

/** How soon clients come back for a result whose stream ended before it, in milliseconds (SSE `retry`). */
const RETRY_MS = 1000;

/** 32 Mi characters: a flood of large results must not fill the heap with what clients may never ask for. */
const REPLAY_CHARACTERS = 32 * 1024 * 1024;

interface Session {
  readonly id: string;
  readonly events: RecentEvents;
  readonly server: Server;
  readonly transport: NodeStreamableHTTPServerTransport;
  /** Only the caller who opened a session may use it. */
  readonly callerName: string;
  readonly openedAt: number;
  lastUsedAt: number;
  /** HTTP requests of the session that are still open: calls and its GET stream. */
  openRequests: number;
}

/** Why a request cannot be served by a session. */
export type SessionProblem = 'missing_id' | 'not_found' | 'full' | 'closing';

/**
 * The sessions of 2025-era clients. The number of active sessions is the size of this table, so it cannot drift:
 * every session is in it from its `initialize` until it is deleted, swept as idle, or the server stops.
 */
export class SessionStore {
  readonly #sessions = new Map<string, Session>();
  readonly #servers: ServerFactory;
  readonly #limits: SessionLimits;
  readonly #recorder: Recorder;
  readonly #now: () => number;
  readonly #replay: ReplayBudget = { max: REPLAY_CHARACTERS, used: 0 };
  readonly #sweeper: NodeJS.Timeout;
  #opening = 0;
  #closing = false;

  constructor(
    servers: ServerFactory,
    limits: SessionLimits,
    { recorder, now }: { readonly recorder: Recorder; readonly now: () => number },
  ) {
    this.#servers = servers;
    this.#limits = limits;
    this.#recorder = recorder;
    this.#now = now;
    const everyMs = Math.min(Math.max((limits.idleSeconds * 1000) / 4, 100), 60_000);
    this.#sweeper = setInterval(() => {
      this.sweep();
    }, everyMs).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Serves a 2025-era request by its session, which `initialize` opens.
   * @returns why it was not served, and then nothing was written
   */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    caller: Caller,
  ): Promise<SessionProblem | undefined> {
    const id = request.headers['mcp-session-id'];
    if (id === undefined) {
      if (!isInitializeRequest(body)) return 'missing_id';
      if (this.#closing) return 'closing';
      if (this.#sessions.size + this.#opening >= this.#limits.max) return 'full';
      await this.#open(request, response, body, caller);
      return undefined;
    }
    const session = this.#sessions.get(String(id));
    if (session?.callerName !== caller.name) {
      this.#recorder.sessionNotFound();
      return 'not_found';
    }
    await this.#serve(session, request, response, body);
    return undefined;
  }

  async #open(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    caller: Caller,
  ): Promise<void> {
    const id = randomUUID();
    let reserved = 1;
    this.#opening += reserved;
    const events = new RecentEvents(this.#limits.replayEvents, this.#replay);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      eventStore: events,
      retryInterval: RETRY_MS,
      onsessioninitialized: () => {
        this.#opening -= reserved;
        reserved = 0;
        this.#sessions.set(id, session);
        this.#recorder.sessionOpened('http');
      },
      onsessionclosed: () => {
        this.#close(session, 'client');
      },
    });
    const now = this.#now();
    const server = this.#servers.create('legacy', id);
    const session: Session = {
      id,
      events,
      server,
      transport,
      callerName: caller.name,
      openedAt: now,
      lastUsedAt: now,
      openRequests: 0,
    };
    try {
      await server.connect(transport);
      await this.#serve(session, request, response, body);
    } finally {
      this.#opening -= reserved;
    }
  }

  async #serve(
    session: Session,
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
  ): Promise<void> {
    session.openRequests += 1;
    session.lastUsedAt = this.#now();
    response.on('close', () => {
      session.openRequests -= 1;
      session.lastUsedAt = this.#now();
    });
    await session.transport.handleRequest(request, response, body);
  }

  /** Closes the sessions that have been idle too long: no open stream or call, and no request for a while. */
  sweep(): void {
    const idleSince = this.#now() - this.#limits.idleSeconds;
    for (const session of this.#sessions.values()) {
      if (session.openRequests === 0 && session.lastUsedAt <= idleSince) this.#close(session, 'idle');
    }
  }

  #close(session: Session, reason: SessionCloseReason): void {
    // Out of the table first: closing the transport may call back here.
    if (!this.#sessions.delete(session.id)) return;
    const seconds = this.#now() - session.openedAt;
    this.#recorder.sessionClosed('http', reason, seconds, session.server.getNegotiatedProtocolVersion());
    session.events.clear();
    void session.transport.close();
  }

  /** Opens no more sessions. */
  refuse(): void {
    this.#closing = true;
  }

  /** Ends every session and its streams. */
  close(): void {
    this.#closing = true;
    clearInterval(this.#sweeper);
    for (const session of this.#sessions.values()) this.#close(session, 'shutdown');
  }
}
