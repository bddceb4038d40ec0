import type { IncomingMessage, ServerResponse } from 'node:http';
import { isInitializeRequest } from '@modelcontextprotocol/server';
import type { Caller } from '../authorization/caller.ts';
import type { RpcRequest } from '../monitoring/door/message.ts';
import type { McpBinding } from './binding.ts';
import { ReplayBudget } from './replay-budget.ts';
import type { ServerFactory } from './server.ts';
import { newSessionId, readSessionId } from './session-id.ts';
import { SessionTable } from './session-table.ts';
import { Session } from './session.ts';

export interface SessionLimits {
  readonly max: number;
  readonly idleSeconds: number;
  readonly replayEvents: number;
}

/** 32 Mi characters: a flood of large results must not fill the heap with what clients may never ask for. */
const REPLAY_CHARACTERS = 32 * 1024 * 1024;

/** Why a request cannot be served by a session. */
export type SessionProblem =
  | { readonly kind: 'missing_id' | 'not_found' | 'not_kept' | 'full' | 'closing' }
  | { readonly kind: 'id_in_use'; readonly id: RpcRequest['id'] };

/** Serves 2025-era clients over HTTP, each by the session that its `initialize` opened. */
export class Sessions {
  readonly #servers: ServerFactory;
  readonly #binding: McpBinding;
  readonly #replayEvents: number;
  readonly #table: SessionTable;
  readonly #replay = new ReplayBudget(REPLAY_CHARACTERS);
  #closing = false;

  constructor(servers: ServerFactory, { replayEvents, ...limits }: SessionLimits, binding: McpBinding) {
    this.#servers = servers;
    this.#binding = binding;
    this.#replayEvents = replayEvents;
    this.#table = new SessionTable({ ...limits, ...binding });
  }

  /** How many there are. */
  get size(): number {
    return this.#table.size;
  }

  /**
   * Serves a 2025-era request by its session, which `initialize` opens.
   * @returns why it was not served, and then nothing was written
   */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    caller: Caller,
  ): Promise<SessionProblem | undefined> {
    const header = request.headers['mcp-session-id'];
    if (header === undefined) return this.#open(request, response, body, caller);
    const id = readSessionId(header);
    const session = id === undefined ? undefined : this.#table.get(id);
    if (session?.callerId !== caller.id) {
      this.#binding.recorder.sessionNotFound('unknown');
      return { kind: 'not_found' };
    }
    const twice = session.idInUse(body);
    if (twice !== undefined) return { kind: 'id_in_use', id: twice };
    if (!session.canResume(request)) return { kind: 'not_kept' };
    await session.serve(request, response, body);
    return undefined;
  }

  async #open(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    caller: Caller,
  ): Promise<SessionProblem | undefined> {
    if (!isInitializeRequest(body)) return { kind: 'missing_id' };
    if (this.#closing) return { kind: 'closing' };
    const giveUp = this.#table.reserve();
    if (!giveUp) return { kind: 'full' };
    try {
      const session = await Session.create(
        {
          id: newSessionId(this.#binding.randomUuid),
          callerId: caller.id,
          quotaKey: caller.quotaKey,
          replayEvents: this.#replayEvents,
          replay: this.#replay,
          initialized: () => {
            giveUp();
            this.#table.add(session);
          },
          ended: () => {
            void this.#table.remove(session, 'client');
          },
        },
        this.#servers,
        this.#binding,
      );
      await session.serve(request, response, body);
    } finally {
      giveUp();
    }
    return undefined;
  }

  /** Opens no more sessions. */
  acceptNone(): void {
    this.#closing = true;
  }

  /** Ends every session and its streams. */
  close(): Promise<void> {
    this.#closing = true;
    return this.#table.close();
  }
}
