import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  isInitializeRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
  type AuthInfo,
  type JSONRPCMessage,
  type MessageExtraInfo,
  type RequestId,
  type Transport,
  type TransportSendOptions,
} from '@modelcontextprotocol/server';
import { ERROR_CODES, refusal, SDK_ERROR_CODES } from '../monitoring/door/json-rpc.ts';
import { isRequest } from '../monitoring/door/message.ts';
import type { RecentEvents } from './event-store.ts';
import { messagesIn } from './messages.ts';
import type { OpenQuestions } from './open-questions.ts';
import { ResponseStream, type AnswerDelays } from './response-stream.ts';
import type { SessionFacts } from './session-id.ts';

/** How soon clients come back for a result whose stream ended before it, in milliseconds (SSE `retry`). */
const RETRY_MS = 1000;

/** Clients of earlier revisions take an event without data for an empty message. */
const FIRST_WITH_EMPTY_EVENTS = '2025-11-25';

/** The name among its events of what is said on the stream of a GET request. */
const UNASKED = 'unasked';

/** The requests of a body, which are answered on one stream. */
interface Asked {
  readonly streamId: string;
  readonly ids: readonly RequestId[];
  /** Those that have no answer yet. */
  readonly awaited: Set<RequestId>;
}

export interface SessionTransportOptions {
  readonly id: string;
  readonly events: RecentEvents;
  readonly questions: OpenQuestions;
  /** Called when its `initialize` is being answered, and when its client has ended it. */
  readonly initialized: () => void;
  readonly ended: () => void;
}

/**
 * What carries the messages of a session, by Streamable HTTP of the 2025 era. That the session is its client's, what is said in
 * headers, and the form of the body have been looked at before. It does what the SDK's own transport does; that one takes each
 * message through web requests, responses and streams, which costs more than a call.
 */
export class SessionTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;
  /** Once it is initialized. */
  sessionId?: string;
  readonly #options: SessionTransportOptions;
  readonly #delays: AnswerDelays;
  /** Those that are open, by what their events are known by. */
  readonly #streams = new Map<string, ResponseStream>();
  /** What each request came with, until all of that is answered. */
  readonly #asked = new Map<RequestId, Asked>();
  /** Takes the answer to the `initialize` of a session that goes on. */
  #takeAnswer: ((answer: JSONRPCMessage) => void) | undefined;
  #made = 0;
  #isClosed = false;

  constructor(options: SessionTransportOptions, delays: AnswerDelays) {
    this.#options = options;
    this.#delays = delays;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Serves a request; resolves when its messages have been passed on, or to its end where it only replays. */
  async handleRequest(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    authInfo: AuthInfo,
  ): Promise<void> {
    if (this.#isClosed) refuse(response, 404, SDK_ERROR_CODES.sessionNotFound, 'Session not found');
    else if (request.method === 'POST') this.#post(request, response, body, authInfo);
    else if (request.method === 'GET') await this.#get(request, response);
    else if (request.method === 'DELETE') {
      this.#options.ended();
      response.writeHead(200).end();
      await this.close();
    }
  }

  #post(request: IncomingMessage, response: ServerResponse, body: unknown, authInfo: AuthInfo): void {
    let messages: readonly JSONRPCMessage[];
    try {
      messages = messagesIn(body);
    } catch (error) {
      this.onerror?.(error as Error);
      refuse(response, 400, ERROR_CODES.parseError, 'Parse error: Invalid JSON-RPC message');
      return;
    }
    const initialize = messages.find(
      (message) => 'method' in message && message.method === 'initialize' && isInitializeRequest(message),
    );
    if (initialize && this.sessionId !== undefined) {
      refuse(response, 400, ERROR_CODES.invalidRequest, 'Invalid Request: Server already initialized');
      return;
    }
    if (initialize) {
      this.sessionId = this.#options.id;
      this.#options.initialized();
    }
    const ids: RequestId[] = [];
    for (const message of messages) if ('id' in message && 'method' in message) ids.push(message.id);
    if (ids.length === 0) {
      for (const message of messages) this.onmessage?.(message, { authInfo });
      response.writeHead(202).end();
      return;
    }
    const revision =
      (initialize as { readonly params?: { readonly protocolVersion: string } } | undefined)?.params
        ?.protocolVersion ?? request.headers['mcp-protocol-version'];
    const canResume = takesEmptyEvents(revision);
    const streamId = `answer-${(this.#made += 1)}`;
    const asked = { streamId, ids, awaited: new Set(ids) };
    for (const id of ids) this.#asked.set(id, asked);
    this.#streams.set(streamId, this.#open(response, canResume ? this.#startOf(streamId) : ''));
    const closeSSEStream = canResume ? this.#end.bind(this, streamId) : undefined;
    for (const message of messages)
      this.onmessage?.(message, {
        authInfo,
        ...(closeSSEStream && isRequest(message) && { closeSSEStream }),
      });
  }

  #open(response: ServerResponse, start?: string): ResponseStream {
    const { id: sessionId } = this.#options;
    return new ResponseStream(response, { sessionId, delays: this.#delays }, start);
  }

  /** An event without a message, whose id a client can come back with (MCP 2025-11-25, "Sending Messages to the Server"). */
  #startOf(streamId: string): string {
    return `id: ${this.#options.events.store(streamId).id}\nretry: ${RETRY_MS}\ndata: \n\n`;
  }

  /** Ends a stream: with its last answer, or before, and then its client comes back for that. */
  #end(streamId: string, lastEvent?: string): void {
    this.#streams.get(streamId)?.end(lastEvent);
    this.#streams.delete(streamId);
  }

  /** Begins the stream of what is said unasked, or goes on with one after the event that a client got last. */
  async #get({ headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const lastEventId = String(headers['last-event-id'] ?? '');
    if (lastEventId === '') {
      // A client that asks again has lost the stream that it had, though nothing here may have noticed.
      this.#end(UNASKED);
      this.#streams.set(UNASKED, this.#open(response));
      return;
    }
    const replay = this.#options.events.replayAfter(lastEventId, () => response.destroy());
    const stream = this.#open(response);
    // An event whenever the client has read the one before: it may have missed many, for however many requests.
    for (let event = replay.next(); event && !stream.isOver; event = replay.next()) {
      stream.write(written(event));
      await stream.read();
    }
    if (stream.isOver) {
      replay.end();
      return;
    }
    replay.finish();
    const { streamId } = replay;
    this.#end(streamId);
    if (this.#isClosed || (streamId !== UNASKED && !this.#isAwaited(streamId))) stream.end();
    else this.#streams.set(streamId, stream);
  }

  #isAwaited(streamId: string): boolean {
    for (const asked of this.#asked.values()) if (asked.streamId === streamId) return true;
    return false;
  }

  /** Sends a message: an answer on the stream of its request, and what belongs to a request too. */
  send(given: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const { events, questions } = this.#options;
    const message = questions.outgoing(given);
    const isAnswer = !('method' in message);
    if (isAnswer && this.#takeAnswer) {
      this.#takeAnswer(message);
      return Promise.resolve();
    }
    const id = isAnswer ? message.id : options?.relatedRequestId;
    const unasked = isAnswer ? undefined : UNASKED;
    const asked = id === undefined ? undefined : this.#asked.get(id);
    const streamId = id === undefined ? unasked : asked?.streamId;
    if (streamId === undefined)
      return Promise.reject(new Error(`No connection established for request ID: ${String(id)}`));
    const event = written(events.store(streamId, message));
    if (isAnswer && asked && this.#isLast(asked, id)) this.#end(streamId, event);
    else this.#streams.get(streamId)?.write(event);
    return Promise.resolve();
  }

  /** Whether the answer to a request is the last of what it came with: until then, what belongs to any of them may be said. */
  #isLast(asked: Asked, id: RequestId | undefined): boolean {
    if (id !== undefined) asked.awaited.delete(id);
    if (asked.awaited.size > 0) return false;
    for (const each of asked.ids) if (this.#asked.get(each) === asked) this.#asked.delete(each);
    return true;
  }

  /** Says on the stream of its GET request that there are other tools (MCP 2025-11-25, "List Changed Notification"). */
  tellOfTools(): Promise<void> {
    return this.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  }

  /** Brings a new transport to where a session is whose client has initialized it elsewhere, or before. */
  async initialize({ revision, client, capabilities }: SessionFacts): Promise<void> {
    this.sessionId = this.#options.id;
    const params = { protocolVersion: revision, capabilities, clientInfo: client };
    const answer = await new Promise<JSONRPCMessage>((resolve) => {
      this.#takeAnswer = resolve;
      this.onmessage?.({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    });
    this.#takeAnswer = undefined;
    if (!('result' in answer)) throw new Error(`a session was not resumed: ${JSON.stringify(answer)}`);
    this.onmessage?.({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      for (const streamId of [...this.#streams.keys()]) this.#end(streamId);
      this.onclose?.();
    }
    return Promise.resolve();
  }
}

const written = ({ id, text }: { readonly id: string; readonly text: string }): string =>
  `event: message\nid: ${id}\ndata: ${text}\n\n`;

const takesEmptyEvents = (revision: unknown): boolean =>
  typeof revision === 'string' &&
  SUPPORTED_PROTOCOL_VERSIONS.includes(revision) &&
  revision >= FIRST_WITH_EMPTY_EVENTS;

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  const text = JSON.stringify(refusal(code, message));
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}
