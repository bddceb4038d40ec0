import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Monitoring } from '../../src/monitoring/index.ts';
import { parseMetrics, type Samples } from './metrics-text.ts';

/** What a monitoring has counted. */
export const scrape = async (monitoring: Pick<Monitoring, 'metrics'>): Promise<Samples> =>
  parseMetrics((await monitoring.metrics()).body);

/** A JSON-RPC message, with whatever is in it. */
export type AnyMessage = Record<string, unknown>;

/**
 * The server's end of a transport of one's own: what is sent is kept, and messages come in when the test says so, or while it
 * starts. It has no more than the SDKs ask of a transport.
 */
export class BareTransport {
  onmessage?: (message: never, extra?: never) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly sent: AnyMessage[] = [];
  readonly #starts: (transport: BareTransport) => void;

  /** @param starts runs when it is started */
  constructor(starts: (transport: BareTransport) => void = () => undefined) {
    this.#starts = starts;
  }

  start(): Promise<void> {
    this.#starts(this);
    return Promise.resolve();
  }

  send(message: AnyMessage): Promise<void> {
    this.sent.push(message);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.onclose?.();
    return Promise.resolve();
  }

  receive(message: AnyMessage, extra?: unknown): void {
    this.onmessage?.({ jsonrpc: '2.0', ...message } as never, extra as never);
  }
}

/** The first request of a client of the 2025 era. */
export const initialize = (protocolVersion = '2025-11-25'): AnyMessage => ({
  id: 'first',
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test-client', version: '1.2.3' } },
});

export const callTool = (id: string | number, name: string, args: AnyMessage = {}): AnyMessage => ({
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

export const newV1Client = (): V1Client => new V1Client({ name: 'test-client', version: '1.2.3' });
