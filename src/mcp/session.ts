import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { Connection, Pending } from '../monitoring/door/connection.ts';
import { ERROR_CODES, refusal } from '../monitoring/door/json-rpc.ts';
import { isRequest, type RpcRequest } from '../monitoring/door/message.ts';
import type { ToolCall } from '../tools/call.ts';
import type { Executor } from '../tools/executor.ts';
import type { McpBinding } from './binding.ts';
import { RecentEvents } from './event-store.ts';
import type { ReplayBudget } from './replay-budget.ts';
import { connectDoor } from './connect-door.ts';
import { replayTo } from './response-streams.ts';
import type { ServerFactory } from './server.ts';

/** How soon clients come back for a result whose stream ended before it, in milliseconds (SSE `retry`). */
const RETRY_MS = 1000;

/** The SDK keeps what it answered to a batch until all of it is answered, though it only looks for whose answers these are. */
class SessionTransport extends NodeStreamableHTTPServerTransport {
  override async send(...[message, options]: Parameters<NodeStreamableHTTPServerTransport['send']>) {
    const sent = { ...message };
    await super.send(sent, options);
    if ('result' in sent) sent.result = {};
  }
}

export interface SessionOptions {
  readonly id: string;
  /** Only the caller who opened a session may use it. */
  readonly callerId: string;
  /** Whose share of what is kept for all sessions it uses. */
  readonly quotaKey: string;
  /** Messages kept for clients that resume a broken stream. */
  readonly replayEvents: number;
  readonly replay: ReplayBudget;
  /** Called when its `initialize` is being answered, and when its client has ended it. */
  readonly initialized: () => void;
  readonly ended: () => void;
}

/** The session of a 2025-era client: its server, and what is in flight between them. */
export class Session {
  readonly id: string;
  readonly callerId: string;
  readonly #now: () => number;
  readonly #onError: (error: Error) => void;
  readonly #executor: Executor;
  readonly #events: RecentEvents;
  readonly #transport: NodeStreamableHTTPServerTransport;
  readonly #connection: Connection<ToolCall>;
  /** Ids of requests that are on their way through the transport to the door, by the HTTP request that brought them. */
  readonly #arriving = new Map<RpcRequest['id'], IncomingMessage>();
  #lastUsedAt: number;
  /** HTTP requests that are still open: calls and the GET stream. */
  #openRequests = 0;

  /** Makes a session, for the `initialize` that is served next. */
  static async create(
    options: SessionOptions,
    servers: ServerFactory,
    binding: McpBinding,
  ): Promise<Session> {
    const { id, quotaKey, replayEvents, replay, initialized, ended } = options;
    const events = new RecentEvents(replayEvents, replay, quotaKey);
    const transport = new SessionTransport({
      sessionIdGenerator: () => id,
      eventStore: events,
      retryInterval: RETRY_MS,
      keepAliveMs: binding.keepAliveSeconds * 1000,
      onsessioninitialized: initialized,
      onsessionclosed: ended,
    });
    await servers.create('legacy').connect(transport);
    return new Session(options, transport, events, binding);
  }

  private constructor(
    { id, callerId }: SessionOptions,
    transport: NodeStreamableHTTPServerTransport,
    events: RecentEvents,
    binding: McpBinding,
  ) {
    this.id = id;
    this.callerId = callerId;
    this.#now = binding.now;
    this.#onError = binding.onError;
    this.#executor = binding.executor;
    this.#lastUsedAt = binding.now();
    this.#transport = transport;
    this.#events = events;
    const received = ({ request }: Pending<ToolCall>): void => {
      this.#arriving.delete(request.id);
    };
    this.#connection = connectDoor(
      transport,
      { transport: 'http', answersCancelled: true, received },
      binding,
    );
  }

  /** The protocol revision that was agreed on. */
  get revision(): string | undefined {
    return this.#connection.peer.revision;
  }

  /** Whether nothing has been open or asked for since a time, and no call runs, whose client may come back for it. */
  isIdleSince(time: number): boolean {
    const runs = this.#connection.inFlight.some(({ held }) => held && this.#executor.isRunning(held));
    return this.#openRequests === 0 && !runs && this.#lastUsedAt <= time;
  }

  /**
   * An id that one of the requests in a body shares with another of them, or with one that is in flight: their answers
   * could not be told apart (MCP 2025-11-25, "Requests": an id is not used twice within a session).
   */
  idInUse(body: unknown): RpcRequest['id'] | undefined {
    const seen = new Set<RpcRequest['id']>();
    return idsIn(body).find((id) => {
      const isInUse = seen.has(id) || this.#arriving.has(id) || this.#connection.withId(id).length > 0;
      seen.add(id);
      return isInUse;
    });
  }

  /** Whether the stream that a GET request wants to resume can be replayed; true of one that wants none. */
  canResume({ method, headers }: IncomingMessage): boolean {
    const eventId = headers['last-event-id'] ?? '';
    return method !== 'GET' || eventId === '' || this.#events.has(String(eventId));
  }

  /** Serves a request that nothing is to be said against. */
  async serve(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const ids = idsIn(body);
    for (const id of ids) this.#arriving.set(id, request);
    this.#lastUsedAt = this.#now();
    // Closed already, if the client left while its caller was found out.
    if (!response.destroyed) {
      this.#openRequests += 1;
      response.on('close', () => {
        this.#openRequests -= 1;
        this.#lastUsedAt = this.#now();
      });
    }
    acceptAll(request);
    try {
      if (request.method === 'GET' && !(await this.#beginStream(request, response))) return;
      await this.#transport.handleRequest(request, response, body);
    } finally {
      // Those that the transport refused never came to the door.
      for (const id of ids) if (this.#arriving.get(id) === request) this.#arriving.delete(id);
    }
  }

  /** Gives a client what it missed. Resolves to whether it is there for what comes then, which is for the SDK to give it. */
  async #beginStream({ headers }: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const lastEventId = String(headers['last-event-id'] ?? '');
    if (lastEventId === '') {
      // A client that asks again has lost the stream that it had, though nothing here may have noticed.
      this.#transport.closeStandaloneSSEStream();
      return true;
    }
    const replay = this.#events.replayAfter(lastEventId, () => response.destroy());
    return replayTo(response, replay, this.id);
  }

  /** Answers what is in flight with an error: such as a call that takes longer than the server may to stop. */
  async refuseInFlight(message: string): Promise<void> {
    for (const { request } of this.#connection.inFlight)
      await this.#transport
        .send(refusal(ERROR_CODES.internalError, message, request.id))
        .catch(this.#onError);
  }

  /** Ends the session and its streams. */
  async close(): Promise<void> {
    this.#events.close();
    await this.#transport.close();
  }
}

/** The SDK looks for the names of both forms in the header itself. What it says has been looked at before. */
function acceptAll({ headers, rawHeaders }: IncomingMessage): void {
  headers.accept = 'application/json, text/event-stream';
  rawHeaders.push('Accept', headers.accept);
}

const idsIn = (body: unknown): RpcRequest['id'][] =>
  [body]
    .flat()
    .flatMap((message) =>
      typeof message === 'object' && message !== null && isRequest(message) ? [message.id] : [],
    );
