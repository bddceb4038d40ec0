import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isInitializeRequest } from '@modelcontextprotocol/server';
import { intrusionOf, type SessionIntrusion } from '../monitoring/door/json-rpc.ts';
import type { RpcRequest } from '../monitoring/door/message.ts';
import type { McpBinding } from './binding.ts';
import { Forwarding } from './forwarding.ts';
import { Peers, type PeersOptions } from './peers.ts';
import { QuestionIds } from './open-questions.ts';
import { Seal } from './seal.ts';
import type { Sender, WrappedSender } from './sender.ts';
import type { ServerFactory } from './server-factory.ts';
import { SessionFactory } from './session-factory.ts';
import { SessionIds, sessionName, type SessionFacts } from './session-id.ts';
import { SessionTable } from './session-table.ts';
import { Session } from './session.ts';
import { UsedIds } from './used-ids.ts';
import { agreedOn } from './versions.ts';

export interface SessionLimits {
  readonly max: number;
  readonly idleSeconds: number;
  /** Age at which a session ends, wherever it is served. */
  readonly maxAgeSeconds: number;
  readonly replayEvents: number;
}

/** Why a request cannot be served by a session. */
export type SessionProblem =
  | {
      readonly kind: 'missing_id' | 'not_kept' | 'asker_gone' | 'asker_busy' | 'closing';
    }
  | { readonly kind: 'not_found'; readonly refusedFor?: SessionIntrusion }
  | { readonly kind: 'full'; readonly waitSeconds: number }
  | { readonly kind: 'id_in_use'; readonly id: RpcRequest['id'] };

/**
 * Serves 2025-era clients over HTTP, each by the session that its `initialize` opened, here or in another process with the same
 * key.
 */
export class Sessions {
  readonly #recorder: McpBinding['recorder'];
  readonly #factory: SessionFactory;
  readonly #table: SessionTable;
  readonly #ids: SessionIds;
  readonly #questionIds: QuestionIds;
  readonly #peers: Peers;
  readonly #forwarding: Forwarding;
  /** Those that are being resumed: a client may send its requests all at once. */
  readonly #resuming = new Map<string, Promise<boolean>>();
  /** Those that their clients have ended, which are not resumed here. */
  readonly #ended: UsedIds;
  #closing = false;

  constructor(
    servers: ServerFactory,
    { replayEvents, maxAgeSeconds, ...limits }: SessionLimits,
    peers: PeersOptions,
    binding: McpBinding,
  ) {
    const { stateKeys, randomBytes, unixTime, now } = binding;
    const seal = (purpose: string): Seal => new Seal(stateKeys, purpose, randomBytes);
    const process = randomBytes(9).toString('base64url');
    this.#recorder = binding.recorder;
    this.#table = new SessionTable({ ...limits, ...binding });
    this.#ids = new SessionIds(seal('session id'), maxAgeSeconds, unixTime);
    const questionIds = (this.#questionIds = new QuestionIds(seal('question id'), process));
    this.#factory = new SessionFactory({ servers, binding, replayEvents, questionIds, process });
    this.#peers = new Peers(peers, seal('peer message'), binding);
    this.#forwarding = new Forwarding({ peers: this.#peers, questionIds, ...binding });
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
    from: WrappedSender,
  ): Promise<SessionProblem | undefined> {
    const { sender, authInfo } = from;
    const header = request.headers['mcp-session-id'];
    if (header === undefined) return this.#open(request, response, body, from);
    const id = String(header);
    const known = this.#lookUp(id, sender.caller);
    if ('kind' in known) return known;
    const isHere = (requestId: unknown): boolean => this.#table.get(id)?.isInFlight(requestId) === true;
    const { rest, answers } = await this.#forwarding.passOn(id, body, sender.caller, isHere);
    if (body !== undefined && rest === undefined) {
      if (answers === 'dropped') return { kind: 'asker_busy' };
      if (answers !== 'delivered') return { kind: 'asker_gone' };
      response.writeHead(202).end();
      return undefined;
    }
    if (request.method === 'DELETE' && !this.#table.get(id) && !this.#resuming.has(id)) {
      this.#ended.use(sessionName(id));
      response.writeHead(200).end();
      return undefined;
    }
    const session = this.#table.get(id) ?? (await this.#resume(id, known, sender));
    if (!(session instanceof Session)) return session;
    const twice = session.idInUse(rest);
    if (twice !== undefined) return { kind: 'id_in_use', id: twice };
    if (!session.canResume(request)) return { kind: 'not_kept' };
    await session.serve(request, response, rest, authInfo);
    return undefined;
  }

  /** What is known of the session with an id, if its caller may have it, or why not. */
  #lookUp(id: string, caller: Sender['caller']): SessionFacts | SessionProblem {
    const held = this.#table.get(id);
    if (held?.callerId === caller.id && !held.isTooOld) {
      // The last that gives way.
      this.#table.touch(id);
      return held.facts;
    }
    const found = this.#ids.open(id, caller.id);
    const isEnded = this.#ended.has(sessionName(id));
    if (found.ok && !isEnded) return found.facts;
    const reason = found.ok ? 'expired' : found.reason;
    this.#recorder.sessionNotFound(reason);
    return { kind: 'not_found', ...intrusionOf(reason) };
  }

  /** A session that is not held: rebuilt once, however many of its requests come at a time. */
  async #resume(id: string, facts: SessionFacts, sender: Sender): Promise<Session | SessionProblem> {
    if (this.#closing) return { kind: 'closing' };
    const resuming = this.#resuming.get(id) ?? this.#rebuild(id, facts, sender);
    this.#resuming.set(id, resuming);
    const isRebuilt = await resuming.finally(() => this.#resuming.delete(id));
    // Where it has given way already, all are in use.
    return (isRebuilt ? this.#table.get(id) : undefined) ?? this.#full();
  }

  async #rebuild(id: string, facts: SessionFacts, sender: Sender): Promise<boolean> {
    const giveUp = this.#table.reserve();
    if (!giveUp) return false;
    try {
      const session = await this.#create(id, facts, sender, true);
      giveUp();
      this.#table.add(session, true);
    } finally {
      giveUp();
    }
    return true;
  }

  async #open(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    { sender, authInfo }: WrappedSender,
  ): Promise<SessionProblem | undefined> {
    if (!isInitializeRequest(body)) return { kind: 'missing_id' };
    if (this.#closing) return { kind: 'closing' };
    // A client that has left has no use for a session that it does not know of.
    if (await hasLeft(request)) return undefined;
    const giveUp = this.#table.reserve();
    if (!giveUp) return this.#full();
    try {
      const { protocolVersion, clientInfo, capabilities } = body.params;
      const { id, facts } = this.#ids.make(sender.caller.id, {
        revision: agreedOn(protocolVersion),
        client: clientInfo,
        capabilities,
      });
      const initialized = (): void => {
        giveUp();
        this.#table.add(session, false);
      };
      const session = await this.#create(id, facts, sender, false, initialized);
      await session.serve(request, response, body, authInfo);
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
    sender: Sender,
    isResumed: boolean,
    initialized = (): void => undefined,
  ): Promise<Session> {
    return this.#factory.create(id, facts, sender, isResumed, {
      initialized,
      isTooOld: () => this.#ids.isTooOld(facts),
      used: () => {
        this.#table.touch(id);
      },
      ended: () => {
        this.#ended.use(sessionName(id));
        const session = this.#table.get(id);
        if (session) void this.#table.remove(session, 'client');
      },
    });
  }

  #full(): SessionProblem {
    return { kind: 'full', waitSeconds: this.#table.waitSeconds };
  }

  /** Takes what another replica has passed on, and returns the answer; `undefined` where that has another key. */
  receive(sealed: unknown): object | undefined {
    return this.#peers.open(sealed, ({ session, messages }) => {
      const held = this.#table.get(session);
      return messages.filter((message) => held?.receive(message) === true).length > 0;
    });
  }

  /** Tells the clients that listen that there are other tools. */
  toolsChanged(): void {
    this.#table.each((session) => {
      session.toolsChanged();
    });
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
