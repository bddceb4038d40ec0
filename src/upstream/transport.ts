import {
  isJSONRPCErrorResponse,
  isJSONRPCResultResponse,
  SdkHttpError,
  type JSONRPCMessage,
  type RequestId,
  type Transport,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';
import type { Dispatcher } from 'undici';
import { mediaTypeOf } from '../monitoring/door/media-type.ts';
import type { Response } from './ask.ts';
import { ComeBacks } from './come-backs.ts';
import { EventStream, streamAllowance } from './event-stream.ts';
import { Fault, noAnswer, ofConnection, ofStatus } from './fault.ts';
import { headersOf } from './message-headers.ts';
import { OpenRequests } from './open-requests.ts';
import { Watchers } from './watchers.ts';
import {
  discard,
  errorIn,
  parseMessage,
  readEvents,
  refusal,
  retryAfterOf,
  send,
  textOf,
  type WireOptions,
} from './wire.ts';

/** Messages on their way of which nobody waits for what becomes: more are left out. */
const MAX_ASIDES = 256;

export interface TransportOptions extends WireOptions {
  /** The largest message that is read. */
  readonly maxBytes: number;
  /** For messages that nobody waits for, so that they take no connection from those that are. */
  readonly asidePool: Dispatcher;
  /** How long an upstream may take to take a message that has no answer, in seconds. */
  readonly answerSeconds: number;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

/**
 * Carries the messages of the SDK's client to an upstream, by Streamable HTTP of either era. Unlike the SDK's own it bounds
 * whatever the upstream sends, follows no redirect, and rejects a request whose answer will not come, with a {@link Fault} that says
 * why.
 */
export class UpstreamTransport implements Transport {
  readonly hasPerRequestStream = true;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  sessionId?: string;
  readonly watchers: Watchers;
  readonly #options: TransportOptions;
  /** Those of JSON-RPC by their ids. */
  readonly #requests = new OpenRequests<RequestId>();
  #version: string | undefined;
  #asides = 0;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.watchers = new Watchers(options.now);
  }

  start = (): Promise<void> => Promise.resolve();

  setProtocolVersion(version: string): void {
    this.#version = version;
  }

  #maxBytesOf(key: RequestId | undefined): number {
    return this.watchers.of(key)?.maxBytes ?? this.#options.maxBytes;
  }

  close(): Promise<void> {
    this.#requests.close();
    this.onclose?.();
    return Promise.resolve();
  }

  /** Resolves when a request has been answered, or anything else has been taken. */
  async send(message: JSONRPCMessage, options: TransportSendOptions = {}): Promise<void> {
    if ('method' in message && message.method === 'notifications/cancelled')
      this.#requests.end(message.params?.['requestId'] as RequestId);
    if (!('method' in message && 'id' in message))
      return this.#tell(message, 'method' in message && message.method === 'notifications/initialized');
    const exchange = async (signal: AbortSignal): Promise<void> => {
      const response = await this.#post(message, options.headers, signal);
      await this.#answer(response, message, options, signal);
    };
    try {
      await this.#requests.during(options.requestSignal, exchange, message.id);
    } catch (error) {
      throw error instanceof SdkHttpError ? error : ofConnection(error);
    }
  }

  /** @param isAwaited whether something does not go on without it */
  async #tell(message: JSONRPCMessage, isAwaited: boolean): Promise<void> {
    if (!isAwaited && this.#asides >= MAX_ASIDES) return;
    const { pool, asidePool, answerSeconds } = this.#options;
    this.#asides += 1;
    try {
      await this.#requests.during(AbortSignal.timeout(answerSeconds * 1000), async (signal) => {
        const response = await this.#post(message, {}, signal, isAwaited ? pool : asidePool);
        await discard(response);
        if (response.statusCode >= 300) throw refusal(response.statusCode);
      });
    } catch (error) {
      throw error instanceof SdkHttpError ? error : ofConnection(error);
    } finally {
      this.#asides -= 1;
    }
  }

  #post(
    message: JSONRPCMessage,
    further: Readonly<Record<string, string>> | undefined,
    signal: AbortSignal,
    pool = this.#options.pool,
  ): Promise<Response> {
    const isHandshake = 'method' in message && message.method === 'initialize';
    const headers = {
      ...further,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(!isHandshake && this.#ofSession),
      ...headersOf(message),
    };
    return send({ ...this.#options, pool }, 'POST', headers, { body: JSON.stringify(message), signal });
  }

  get #ofSession(): Record<string, string> {
    return {
      ...(this.sessionId !== undefined && { 'mcp-session-id': this.sessionId }),
      ...(this.#version !== undefined && { 'mcp-protocol-version': this.#version }),
    };
  }

  /** Reads the answer of a request and passes it on; rejects when there is none. */
  async #answer(
    response: Response,
    message: JSONRPCMessage & { readonly id: RequestId; readonly method: string },
    options: TransportSendOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { statusCode, headers } = response;
    const { relatedRequestId: key } = options;
    const maxBytes = this.#maxBytesOf(key);
    if (statusCode >= 300) {
      this.onmessage?.(await errorIn(response, message.id, maxBytes));
      return;
    }
    if (message.method === 'initialize') {
      const id = headers['mcp-session-id'];
      if (typeof id === 'string') this.sessionId = id;
    }
    const type = mediaTypeOf(headers['content-type']);
    if (type === 'application/json') {
      const answer = parseMessage(await textOf(response, maxBytes));
      if (!this.#deliver(answer, message.id, key)) throw noAnswer();
      return;
    }
    if (type !== 'text/event-stream') {
      await discard(response);
      throw new Fault('broken', `HTTP ${statusCode} without an answer in a form that MCP knows`);
    }
    await this.#follow(response, message.id, key, signal);
    options.onRequestStreamEnd?.();
  }

  /** Reads a stream up to the answer, and comes back for it where the upstream has cut the stream and can go on. */
  async #follow(
    first: Response,
    id: RequestId,
    key: RequestId | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const comeBacks = new ComeBacks((lastId) => {
      const headers = { accept: 'text/event-stream', 'last-event-id': lastId, ...this.#ofSession };
      return send(this.#options, 'GET', headers, { signal });
    }, signal);
    const maxBytes = this.#maxBytesOf(key);
    const allowance = streamAllowance(maxBytes, this.#options.now);
    for (let response = first; ;) {
      const stream = new EventStream(maxBytes, allowance);
      const isAnswered = await readEvents(response, stream, (event) => {
        comeBacks.note(event);
        return event.data !== '' && this.#deliver(parseMessage(event.data), id, key);
      });
      if (isAnswered) return;
      response = await comeBacks.rest(stream.retryMs);
    }
  }

  /**
   * Passes a message on; returns whether it is the answer that is waited for.
   * @throws Fault for an answer to anything else: there is no other on its stream
   */
  #deliver(message: unknown, id?: RequestId, key?: RequestId): boolean {
    const watcher = this.watchers.of(key);
    const parsed = message as JSONRPCMessage;
    if (!('method' in parsed)) {
      if (id === undefined) return false;
      const isAnswer = isJSONRPCResultResponse(parsed) || isJSONRPCErrorResponse(parsed);
      if (!isAnswer || parsed.id !== id) throw noAnswer();
      if ('result' in parsed) watcher?.result?.(parsed.result);
      this.onmessage?.(parsed);
      return true;
    }
    if (!this.watchers.mayBeSaid(key)) return false;
    if (this.watchers.ask(parsed, key, (answer) => this.#tell(answer, true))) return false;
    watcher?.notice?.(parsed);
    this.onmessage?.(parsed);
    return false;
  }

  /**
   * Listens to what a 2025-era upstream says unasked, as long as it can be heard.
   * @param signal ends it; it rejects when the stream cannot be had, and resolves when it ends
   * @param began told when it can be heard
   */
  listen(signal: AbortSignal, began: () => void = () => undefined): Promise<void> {
    return this.#requests.during(signal, (ending) => this.#hear(ending, began));
  }

  async #hear(signal: AbortSignal, began: () => void): Promise<void> {
    const headers = { accept: 'text/event-stream', ...this.#ofSession };
    const response = await send(this.#options, 'GET', headers, { signal });
    if (
      response.statusCode !== 200 ||
      mediaTypeOf(response.headers['content-type']) !== 'text/event-stream'
    ) {
      await discard(response);
      throw ofStatus(response.statusCode, this.sessionId !== undefined, retryAfterOf(response));
    }
    const { maxBytes, now } = this.#options;
    const stream = new EventStream(maxBytes, streamAllowance(maxBytes, now));
    began();
    try {
      await readEvents(response, stream, ({ data }) => data !== '' && this.#deliver(parseMessage(data)));
    } catch (error) {
      // What nobody can use ends the stream, not that it is listened to.
      if (!(error instanceof Fault)) throw error;
    }
  }

  /** Tells a 2025-era upstream that the session is over. */
  async endSession(signal: AbortSignal): Promise<void> {
    if (this.sessionId === undefined) return;
    await discard(await send(this.#options, 'DELETE', this.#ofSession, { signal }));
  }
}
