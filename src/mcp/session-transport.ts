import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import type { OpenQuestions } from './questions.ts';
import type { SessionFacts } from './session-id.ts';

type Options = ConstructorParameters<typeof NodeStreamableHTTPServerTransport>[0];
type Send = Parameters<NodeStreamableHTTPServerTransport['send']>;

/** What carries the messages of a session. */
export class SessionTransport extends NodeStreamableHTTPServerTransport {
  readonly #questions: OpenQuestions;

  constructor(options: Options, questions: OpenQuestions) {
    super(options);
    this.#questions = questions;
  }

  override async send(...[message, options]: Send): Promise<void> {
    const sent = { ...this.#questions.outgoing(message) };
    await super.send(sent, options);
    // The SDK keeps what it answered to a batch until all of it is answered, though it only looks for whose answers these are.
    if ('result' in sent) sent.result = {};
  }

  /** Brings a new transport to where a session is whose client has initialized it elsewhere, or before. */
  async initialize({ revision, client, capabilities }: SessionFacts): Promise<void> {
    const params = { protocolVersion: revision, capabilities, clientInfo: client };
    await this.#receive({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    await this.#receive({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** The SDK has no other way in than a request. */
  async #receive(message: JSONRPCMessage): Promise<void> {
    const headers = {
      host: 'localhost',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(this.sessionId !== undefined && { 'mcp-session-id': this.sessionId }),
    };
    const request = new IncomingMessage(new Socket());
    Object.assign(request, { method: 'POST', url: '/', headers, rawHeaders: Object.entries(headers).flat() });
    const response = new ServerResponse(request);
    await this.handleRequest(request, response, message);
    if (response.statusCode >= 300)
      throw new Error(`a session was not resumed: status ${response.statusCode}`);
  }
}
