import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { RecentEvents } from './event-store.ts';
import type { OpenQuestions } from './questions.ts';
import type { SessionFacts } from './session-id.ts';

/** How soon clients come back for a result whose stream ended before it, in milliseconds (SSE `retry`). */
const RETRY_MS = 1000;

export interface SessionTransportOptions {
  readonly id: string;
  readonly events: RecentEvents;
  readonly questions: OpenQuestions;
  /** Called when its `initialize` is being answered, and when its client has ended it. */
  readonly initialized: () => void;
  readonly ended: () => void;
}

type Send = Parameters<NodeStreamableHTTPServerTransport['send']>;
type Handle = Parameters<NodeStreamableHTTPServerTransport['handleRequest']>;

/** What carries the messages of a session. */
export class SessionTransport extends NodeStreamableHTTPServerTransport {
  readonly #questions: OpenQuestions;

  constructor(
    { id, events, questions, initialized, ended }: SessionTransportOptions,
    keepAliveSeconds: number,
  ) {
    super({
      sessionIdGenerator: () => id,
      eventStore: events,
      retryInterval: RETRY_MS,
      keepAliveMs: keepAliveSeconds * 1000,
      onsessioninitialized: initialized,
      onsessionclosed: ended,
    });
    this.#questions = questions;
  }

  override handleRequest(...[request, response, body]: Handle): Promise<void> {
    // The SDK looks for the names of both forms in the header itself. What it says has been looked at before.
    request.headers.accept = 'application/json, text/event-stream';
    request.rawHeaders.push('Accept', request.headers.accept);
    return super.handleRequest(request, response, body);
  }

  override async send(...[message, options]: Send): Promise<void> {
    const sent = { ...this.#questions.outgoing(message) };
    await super.send(sent, options);
    // The SDK keeps what it answered to a batch until all of it is answered, though it only looks for whose answers these are.
    if ('result' in sent) sent.result = {};
  }

  /** Says on the stream of its GET request that there are other tools (MCP 2025-11-25, "List Changed Notification"). */
  tellOfTools(): Promise<void> {
    return this.send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  }

  /** Brings a new transport to where a session is whose client has initialized it elsewhere, or before. */
  async initialize({ revision, client, capabilities }: SessionFacts): Promise<void> {
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    // The SDK has no other way in than a request.
    const request = new IncomingMessage(new Socket());
    Object.assign(request, { method: 'POST', url: '/', headers, rawHeaders: Object.entries(headers).flat() });
    const response = new ServerResponse(request);
    const params = { protocolVersion: revision, capabilities, clientInfo: client };
    await this.handleRequest(request, response, { jsonrpc: '2.0', id: 0, method: 'initialize', params });
    if (response.statusCode !== 200) throw new Error(`a session was not resumed: ${response.statusCode}`);
    this.onmessage?.({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }
}
