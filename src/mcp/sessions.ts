import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isInitializeRequest, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import type { Caller } from '../authorization/caller.ts';
import type { RpcRequest } from '../monitoring/door/message.ts';
import type { McpBinding } from './binding.ts';
import { Forwarding } from './forwarding.ts';
import { Peers, RECEIPTS, type PeersOptions } from './peers.ts';
import { QuestionIds } from './questions.ts';
import { ReplayBudget } from './replay-budget.ts';
import { Seal } from './seal.ts';
import type { ServerFactory } from './server.ts';
import { SessionIds, sessionName, type SessionFacts } from './session-id.ts';
import { SessionTable } from './session-table.ts';
import { Session } from './session.ts';
import { UsedIds } from './used-ids.ts';

export interface SessionLimits {
  readonly max: number;
  readonly idleSeconds: number;
  /** Age at which a session ends, wherever it is served. */
  readonly maxAgeSeconds: number;
  readonly replayEvents: number;
}

/** 32 Mi characters: a flood of large results must not fill the heap with what clients may never ask for. */
const REPLAY_CHARACTERS = 32 * 1024 * 1024;

/** Why a request cannot be served by a session. */
export type SessionProblem =
  | { readonly kind: 'missing_id' | 'not_found' | 'not_kept' | 'asker_gone' | 'closing' }
  | { readonly kind: 'full'; readonly waitSeconds: number }
  | { readonly kind: 'id_in_use'; readonly id: RpcRequest['id'] };

/**
 * Serves 2025-era clients over HTTP, each by the session that its `initialize` opened, here or in another process with the same
 * key.
 */
export class Sessions {
  readonly #servers: ServerFactory;
  readonly #binding: McpBinding;
  readonly #replayEvents: number;
  readonly #table: SessionTable;
  readonly #ids: SessionIds;
  readonly #questionIds: QuestionIds;
  readonly #peers: Peers;
  readonly #forwarding: Forwarding;
  readonly #replay = new ReplayBudget(REPLAY_CHARACTERS);
  /** Those that are being resumed: a client may send its requests all at once. */
  readonly #resuming = new Map<string, Promise<SessionProblem | undefined>>();
  /** Those that their clients have ended, which are not resumed here. */
  readonly #ended: UsedIds;
  /** A name that no other process has. */
  readonly #process: string;
  /** Sessions that were opened or resumed so far. */
  #made = 0;
  #closing = false;

  constructor(
    servers: ServerFactory,
    { replayEvents, maxAgeSeconds, ...limits }: SessionLimits,
    peers: PeersOptions,
    binding: McpBinding,
  ) {
    const { stateKeys, randomBytes, unixTime, now } = binding;
    const seal = (purpose: string): Seal => new Seal(stateKeys, purpose, randomBytes);
    this.#servers = servers;
    this.#binding = binding;
    this.#replayEvents = replayEvents;
    this.#table = new SessionTable({ ...limits, ...binding });
    this.#ids = new SessionIds(seal('session id'), maxAgeSeconds, unixTime);
    this.#process = randomBytes(9).toString('base64url');
    this.#questionIds = new QuestionIds(seal('question id'), this.#process);
    this.#peers = new Peers(peers, seal('peer message'), binding);
    this.#forwarding = new Forwarding({ peers: this.#peers, questionIds: this.#questionIds, ...binding });
    this.#ended = new UsedIds(maxAgeSeconds, now);
  }

  /** How many are held here. */
  get size(): number {
    return this.#table.size;
  }

  /** Says at which port other replicas reach this one. */
  listensAt(port: number): void {
    this.#questionIds.address = this.#peers.listensAt(port);
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
    const session = await this.#find(String(header), caller);
    if (!(session instanceof Session)) return session;
    const { rest, delivered } = await this.#forwarding.sort(session, body, caller);
    if (!delivered) return { kind: 'asker_gone' };
    const twice = session.idInUse(rest);
    if (twice !== undefined) return { kind: 'id_in_use', id: twice };
    if (!session.canResume(request)) return { kind: 'not_kept' };
    if (body !== undefined && rest === undefined) response.writeHead(202).end();
    else await session.serve(request, response, rest);
    return undefined;
  }

  /** The session with an id, if its caller may have it, or why not. */
  async #find(id: string, caller: Caller): Promise<Session | SessionProblem> {
    const held = this.#table.get(id);
    if (held?.callerId === caller.id && !held.isOver) {
      // Before its request is served it must not give way.
      this.#table.touch(id);
      return held;
    }
    const found = this.#ids.open(id, caller.id);
    const reason = !found.ok ? found.reason : this.#ended.has(sessionName(id)) ? 'expired' : undefined;
    if (!found.ok || reason !== undefined) {
      this.#binding.recorder.sessionNotFound(reason ?? 'unknown');
      return { kind: 'not_found' };
    }
    if (this.#closing) return { kind: 'closing' };
    const resuming = this.#resuming.get(id) ?? this.#resume(id, found.facts, caller);
    this.#resuming.set(id, resuming);
    const problem = await resuming.finally(() => this.#resuming.delete(id));
    // Where it has given way already, there are too many.
    return problem ?? this.#table.get(id) ?? this.#full();
  }

  async #resume(id: string, facts: SessionFacts, caller: Caller): Promise<SessionProblem | undefined> {
    const giveUp = this.#table.reserve();
    if (!giveUp) return this.#full();
    try {
      const session = await this.#create(id, facts, caller, 'resumed');
      giveUp();
      this.#table.add(session, true);
    } finally {
      giveUp();
    }
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
    // A client that has left has no use for a session that it does not know of.
    if (await hasLeft(request)) return undefined;
    const giveUp = this.#table.reserve();
    if (!giveUp) return this.#full();
    try {
      const { protocolVersion, clientInfo, capabilities } = body.params;
      const { id, facts } = this.#ids.make(caller.id, {
        revision: agreedOn(protocolVersion),
        client: clientInfo,
        capabilities,
      });
      const session = await this.#create(id, facts, caller, 'new', () => {
        giveUp();
        this.#table.add(session, false);
      });
      await session.serve(request, response, body);
      this.#endIfLeft(session, response);
    } finally {
      giveUp();
    }
    return undefined;
  }

  /** Ends a new session whose client does not get to know of it. */
  #endIfLeft(session: Session, response: ServerResponse): void {
    const look = (): void => {
      if (!response.writableFinished) void this.#table.remove(session, 'client');
    };
    if (response.destroyed) look();
    else response.on('close', look);
  }

  #create(
    id: string,
    facts: SessionFacts,
    caller: Caller,
    how: 'new' | 'resumed',
    initialized?: () => void,
  ): Promise<Session> {
    return Session.create(
      {
        id,
        facts,
        callerId: caller.id,
        quotaKey: caller.quotaKey,
        eventsName: `${this.#process}-${(this.#made += 1)}`,
        replayEvents: this.#replayEvents,
        replay: this.#replay,
        questionIds: this.#questionIds,
        isOver: () => this.#ids.isOver(facts),
        initialized: initialized ?? (() => undefined),
        used: () => {
          this.#table.touch(id);
        },
        ended: () => {
          this.#ended.use(sessionName(id));
          const session = this.#table.get(id);
          if (session) void this.#table.remove(session, 'client');
        },
      },
      this.#servers,
      this.#binding,
      how === 'resumed',
    );
  }

  #full(): SessionProblem {
    return { kind: 'full', waitSeconds: this.#table.waitSeconds };
  }

  /** Takes what another replica has passed on. */
  receive(sealed: unknown): (typeof RECEIPTS)[keyof typeof RECEIPTS] {
    const forwarded = this.#peers.open(sealed);
    if (!forwarded) return RECEIPTS.refused;
    const session = this.#table.get(forwarded.session);
    return session?.receive(forwarded.message) === true ? RECEIPTS.delivered : RECEIPTS.not_held;
  }

  /** Opens and resumes no more sessions. */
  acceptNone(): void {
    this.#closing = true;
  }

  /** Ends every session here and its streams; their clients can go on with another process. */
  close(): Promise<void> {
    this.#closing = true;
    return this.#table.close();
  }
}

/** Whether a client has gone away, which shows only when its connection has been read once more. */
async function hasLeft({ socket }: IncomingMessage): Promise<boolean> {
  await nextTurn();
  await nextTurn();
  return socket.destroyed;
}

/** What the SDK agrees on with a client that asks for a revision. */
const agreedOn = (asked: string): string =>
  SUPPORTED_PROTOCOL_VERSIONS.includes(asked) ? asked : (SUPPORTED_PROTOCOL_VERSIONS[0] ?? asked);
