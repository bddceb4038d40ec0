import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthInfo } from '@modelcontextprotocol/server';
import type { Connection } from '../monitoring/door/connection.ts';
import { ERROR_CODES, refusal } from '../monitoring/door/json-rpc.ts';
import { isRequest, paramOf, type RpcRequest } from '../monitoring/door/message.ts';
import type { ToolCall } from '../tools/call.ts';
import type { McpBinding } from './binding.ts';
import { RecentEvents } from './event-store.ts';
import { isAnswer, OpenQuestions, type QuestionIds } from './open-questions.ts';
import type { ReplayBudget } from './replay-budget.ts';
import { connectDoor } from './connect-door.ts';
import type { ServerFactory } from './server-factory.ts';
import type { SessionFacts } from './session-id.ts';
import { SessionTransport, type SessionTransportOptions } from './session-transport.ts';

/** How long an answer is kept for a client that has left before it, where others need the place. */
const OWED_SECONDS = 60;

export interface SessionOptions extends Pick<SessionTransportOptions, 'id' | 'initialized' | 'ended'> {
  readonly facts: SessionFacts;
  /** Only the caller who opened a session may use it. */
  readonly callerId: string;
  /** Whose share of what is kept for all sessions it uses. */
  readonly quotaKey: string;
  /** Begins the ids of its events: no other process, and no other session object of this one, has the same. */
  readonly eventsName: string;
  /** Messages kept for clients that resume a broken stream. */
  readonly replayEvents: number;
  readonly replay: ReplayBudget;
  readonly questionIds: QuestionIds;
  readonly isTooOld: () => boolean;
  /** Called when it has been used. */
  readonly used: () => void;
}

/** The session of a 2025-era client: its server, and what is in flight between them. */
export class Session {
  readonly id: string;
  readonly facts: SessionFacts;
  readonly callerId: string;
  readonly #options: SessionOptions;
  readonly #binding: McpBinding;
  readonly #events: RecentEvents;
  readonly #questions: OpenQuestions;
  readonly #transport: SessionTransport;
  readonly #connection: Connection<ToolCall>;
  #lastUsedAt: number;
  /** HTTP requests that are still open: calls and the GET stream. */
  #openRequests = 0;
  #openStreams = 0;
  /** Whether a client has left a request before its answer, which it may come back for. */
  #owes = false;

  /**
   * Makes a session for the `initialize` that is served next, or resumes one: the SDK's server is first told what the session id
   * says, as if it had received that `initialize`.
   */
  static async create(
    options: SessionOptions,
    servers: ServerFactory,
    binding: McpBinding,
    isResumed: boolean,
  ): Promise<Session> {
    const { id, facts, quotaKey, replayEvents, replay } = options;
    const events = new RecentEvents(options.eventsName, replayEvents, replay, quotaKey);
    const questions = new OpenQuestions(options.questionIds, id);
    const transport = new SessionTransport({ ...options, events, questions }, binding.delays);
    await servers.create('legacy').connect(transport);
    // Before there is a door: it is no request of the client.
    if (isResumed) await transport.initialize(facts);
    return new Session(options, { transport, events, questions }, binding, isResumed);
  }

  private constructor(
    options: SessionOptions,
    parts: {
      readonly transport: SessionTransport;
      readonly events: RecentEvents;
      readonly questions: OpenQuestions;
    },
    binding: McpBinding,
    isResumed: boolean,
  ) {
    this.id = options.id;
    this.facts = options.facts;
    this.callerId = options.callerId;
    this.#options = options;
    this.#binding = binding;
    this.#lastUsedAt = binding.now();
    this.#transport = parts.transport;
    this.#events = parts.events;
    this.#questions = parts.questions;
    const { client, revision, capabilities } = options.facts;
    const peer = isResumed ? { ...client, revision, capabilities } : undefined;
    this.#connection = connectDoor(
      this.#transport,
      { transport: 'http', answersCancelled: true, peer },
      binding,
    );
  }

  /** The protocol revision that was agreed on. */
  get revision(): string | undefined {
    return this.#connection.peer.revision;
  }

  get isTooOld(): boolean {
    return this.#options.isTooOld();
  }

  /** Whether a call runs, whose client may come back for it. */
  get runsCalls(): boolean {
    const { executor } = this.#binding;
    return this.#connection.inFlight.some(({ held }) => held && executor.isRunning(held));
  }

  /** Whether nothing has been open or asked for since a time, and no call runs. */
  isIdleSince(time: number): boolean {
    return this.#openRequests === 0 && this.#lastUsedAt <= time && !this.runsCalls;
  }

  /** Whether it may give its place to another. */
  get canGiveWay(): boolean {
    return this.isIdleSince(this.#binding.now() - (this.#owes ? OWED_SECONDS : 0));
  }

  /** Time after which nothing of it will be open, as far as can be said, in seconds: streams may stay open for ever. */
  get busySeconds(): number {
    if (this.#openStreams > 0 || this.#questions.any) return Infinity;
    const { catalogue, now } = this.#binding;
    const left = this.#connection.inFlight.map(
      ({ held, startedAt }) => startedAt + (catalogue.get(held?.name ?? '')?.timeoutSeconds ?? 1) - now(),
    );
    return Math.max(1, ...left);
  }

  /**
   * An id that one of the requests in a body shares with another of them, or with one that is in flight: their answers
   * could not be told apart (MCP 2025-11-25, "Requests": an id is not used twice within a session).
   */
  idInUse(body: unknown): RpcRequest['id'] | undefined {
    const seen = new Set<RpcRequest['id']>();
    return idsIn(body).find((id) => {
      const isInUse = seen.has(id) || this.isInFlight(id);
      seen.add(id);
      return isInUse;
    });
  }

  /** Whether a request with this id is in flight here. */
  isInFlight(id: unknown): boolean {
    return this.#connection.withId(id).length > 0;
  }

  /** Whether the stream that a GET request wants to resume can be replayed; true of one that wants none. */
  canResume({ method, headers }: IncomingMessage): boolean {
    const eventId = headers['last-event-id'] ?? '';
    return method !== 'GET' || eventId === '' || this.#events.has(String(eventId));
  }

  /** Serves a request that nothing is to be said against. */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    authInfo: AuthInfo,
  ): Promise<void> {
    this.#holdOpen(request, response, idsIn(body));
    if (request.method === 'GET' && request.headers['last-event-id']) this.#owes = false;
    await this.#transport.handleRequest(request, response, this.#withOwnIds(body), authInfo);
  }

  #holdOpen({ method }: IncomingMessage, response: ServerResponse, ids: readonly RpcRequest['id'][]): void {
    this.#use();
    // Closed already, if the client left while its caller was found out.
    if (response.destroyed) return;
    const streams = method === 'GET' ? 1 : 0;
    this.#openRequests += 1;
    this.#openStreams += streams;
    response.on('close', () => {
      this.#openRequests -= 1;
      this.#openStreams -= streams;
      this.#owes ||= ids.some((id) => this.isInFlight(id));
      this.#use();
    });
  }

  #use(): void {
    this.#lastUsedAt = this.#binding.now();
    this.#options.used();
  }

  /** A body in which answers have the ids that the SDK knows its questions by. */
  #withOwnIds(body: unknown): unknown {
    const own = (message: unknown): unknown =>
      isAnswer(message) ? (this.#questions.answer(message) ?? message) : message;
    return Array.isArray(body) ? body.map(own) : own(body);
  }

  /**
   * Takes what its client sent to another process: the answer to a question that was asked here, or the cancellation of a
   * request that is in flight here.
   * @returns whether it is of use here
   */
  receive(message: object): boolean {
    const own = isAnswer(message) ? this.#questions.answer(message) : message;
    if (!own || (own === message && !this.isInFlight(paramOf(message, 'requestId')))) return false;
    this.#transport.onmessage?.(own as never);
    return true;
  }

  /** Tells a client that listens that there are other tools; one that does not is told nothing. */
  toolsChanged(): void {
    if (this.#openStreams > 0) this.#transport.tellOfTools().catch(this.#binding.onError);
  }

  /** Answers what is in flight with an error: such as a call that takes longer than the server may to stop. */
  async refuseInFlight(message: string): Promise<void> {
    for (const { request } of this.#connection.inFlight)
      await this.#transport
        .send(refusal(ERROR_CODES.internalError, message, request.id))
        .catch(this.#binding.onError);
  }

  /** Ends the session and its streams. */
  async close(): Promise<void> {
    this.#events.close();
    await this.#transport.close();
  }
}

const idsIn = (body: unknown): readonly RpcRequest['id'][] =>
  (Array.isArray(body) ? body : [body]).filter(isRequestIn).map(({ id }) => id);

const isRequestIn = (message: unknown): message is RpcRequest =>
  typeof message === 'object' && message !== null && isRequest(message);
