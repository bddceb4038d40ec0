import type { DoorServer, DoorTransport } from '../door/door-adapter.ts';
import type { McpHandler } from '../door/listens.ts';
import type { TransportName } from '../metrics/labels.ts';
import { fieldOf } from '../door/message.ts';

/**
 * A server of the TypeScript SDK: `McpServer` or `Server`, of `@modelcontextprotocol/server` (v2) or
 * `@modelcontextprotocol/sdk` (v1). Known by its shape, so that neither SDK is needed to instrument the other's.
 */
export interface InstrumentableServer {
  connect(...transport: never[]): Promise<void>;
  close(): Promise<void>;
}

/** The low-level half of such a server, which has the transport. */
export interface LowServer extends DoorServer<DoorTransport> {
  close(): Promise<void>;
  getClientVersion?(): unknown;
  /** In v2 alone. */
  getNegotiatedProtocolVersion?(): string | undefined;
}

/** What a server does with a request of one method, and with what comes with it. */
export type RequestHandler = (request: unknown, context: unknown) => unknown;

/** The handlers of a server, by method; the same in both lines of the SDK. */
export function requestHandlersOf(server: LowServer): Map<string, RequestHandler> | undefined {
  const handlers = fieldOf(server, '_requestHandlers');
  return handlers instanceof Map ? (handlers as Map<string, RequestHandler>) : undefined;
}

/** What a server is called, which those that are made for each request have in common. */
export const serverNameOf = (server: LowServer): string =>
  String(fieldOf(fieldOf(server, '_serverInfo'), 'name'));

/** What a `McpServer` does with a tools/call, one after the other; the same in both lines of the SDK. */
interface CallSteps {
  validateToolInput: CallStep;
  executeToolHandler: CallStep;
  validateToolOutput: CallStep;
}
export type CallStep = (...args: unknown[]) => Promise<unknown>;

/** A `McpServer`: it knows its tools, and can be made to report its steps. */
export interface HighServer extends CallSteps {
  readonly _registeredTools: Readonly<Record<string, { readonly enabled?: boolean }>>;
}

export const lowOf = (server: InstrumentableServer): LowServer =>
  ('server' in server ? server.server : server) as LowServer;

/** Whether all of these are methods of what may be an object or a class. */
export const hasMethods = (given: unknown, ...methods: readonly string[]): boolean =>
  methods.every((method) => typeof fieldOf(given, method) === 'function');

/** Whether it is what `createMcpHandler` returns: much else has a method of the name `fetch`. */
export const isMcpHandler = (given: unknown): given is McpHandler =>
  hasMethods(given, 'fetch', 'close') && hasMethods(fieldOf(given, 'notify'), 'toolsChanged');

/** Whether it is a server of the SDK: the types say so, and JavaScript does not. */
export const isServer = (given: unknown): given is InstrumentableServer =>
  [given, fieldOf(given, 'server')].some(
    (low) =>
      hasMethods(low, 'connect', 'close', 'setRequestHandler', 'getClientCapabilities') &&
      hasMethods(given, 'connect', 'close'),
  );

/** The server as a `McpServer`; `undefined` for a low-level one, and for what a future SDK may call the same. */
export function highOf(server: InstrumentableServer): HighServer | undefined {
  const steps = ['validateToolInput', 'executeToolHandler', 'validateToolOutput'];
  const isHigh =
    typeof fieldOf(server, '_registeredTools') === 'object' &&
    steps.every((step) => typeof fieldOf(server, step) === 'function');
  return isHigh ? (server as unknown as HighServer) : undefined;
}

/**
 * Whether what is below a transport was closed before it: `serveStdio` then closes its server itself, because the client
 * hung up.
 */
export const lostClient = (transport: DoorTransport): boolean =>
  fieldOf(fieldOf(transport, '_wire'), '_closed') === true;

/**
 * What connects one client without HTTP, by the fields of the SDK's own: over stdio, as a channel of `serveStdio`, or within
 * the process. Of any other a connection may be one of many requests.
 */
const PIPES = ['_stdin', '_stdout', '_wire', '_otherTransport'];

export const transportNameOf = (transport: DoorTransport): TransportName =>
  PIPES.some((field) => field in transport) ? 'stdio' : 'http';
