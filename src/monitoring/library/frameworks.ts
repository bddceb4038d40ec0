import { fieldOf } from '../door/message.ts';
import { hasMethods, type InstrumentableServer } from './server-shape.ts';
import { reasonOfThrown, type InstrumentedCall } from './instrumented-call.ts';
import type { InstrumentationParts } from './instrumented-server.ts';

/** A class whose objects have a server each, which they connect: `FastMCPSession` of fastmcp. */
export interface SessionClass {
  readonly prototype: {
    connect(...transport: never[]): Promise<void>;
    readonly server: InstrumentableServer;
  };
}

/** What makes a server for each session: the `MCPServer` of mcp-use 1. */
export interface SessionServers {
  getServerForSession(sessionId?: string): InstrumentableServer;
}

/** What makes servers that a function may change: the `McpStrategy` of MCP-Nest. */
export interface ServerStrategy {
  readonly options: {
    readonly transports: readonly unknown[];
    serverMutator?: ((server: never) => unknown) | undefined;
  };
}

export const isSessionClass = (given: unknown): given is SessionClass => {
  const prototype: unknown = typeof given === 'function' ? given.prototype : undefined;
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    'server' in Object.getOwnPropertyDescriptors(prototype) &&
    typeof Object.getOwnPropertyDescriptor(prototype, 'connect')?.value === 'function'
  );
};

export const isSessionServers = (given: unknown): given is SessionServers =>
  hasMethods(given, 'getServerForSession');

export const isServerStrategy = (given: unknown): given is ServerStrategy =>
  hasMethods(given, 'registerTool', 'listen') &&
  Array.isArray(fieldOf(fieldOf(given, 'options'), 'transports'));

type Instrument = (server: InstrumentableServer) => void;

/** Has the server of each session instrumented when it is made. */
export function instrumentSessionServers(servers: SessionServers, instrument: Instrument): void {
  const make = servers.getServerForSession.bind(servers);
  servers.getServerForSession = (...args) => {
    const server = make(...args);
    instrument(server);
    return server;
  };
}

/** Has each server instrumented that a strategy makes. */
export function instrumentStrategy({ options }: ServerStrategy, instrument: Instrument): void {
  const mutate = options.serverMutator?.bind(options);
  options.serverMutator = (server: never) => {
    const mutated = mutate ? mutate(server) : server;
    instrument(mutated as InstrumentableServer);
    return mutated;
  };
}

/** A tool of fastmcp, as far as it is watched. */
interface SessionTool {
  readonly name: string;
  execute(args: unknown, context: unknown): unknown;
}

/** The half of a session that its class keeps to itself. */
interface SessionPrototype {
  connect: (this: SessionPrototype, ...args: unknown[]) => Promise<void>;
  readonly server: InstrumentableServer;
  setupToolHandlers?: (this: SessionPrototype, tools: readonly SessionTool[]) => unknown;
}

/**
 * Has the server of each session instrumented before it is connected, and each tool report what it throws: a session makes
 * results with `isError` of that.
 */
export function instrumentSessions(
  { prototype }: SessionClass,
  instrument: Instrument,
  { door, tools, now }: InstrumentationParts,
): void {
  const session = prototype as unknown as SessionPrototype;
  const { connect, setupToolHandlers } = session;
  session.connect = function (...args) {
    instrument(this.server);
    return connect.apply(this, args);
  };
  if (!setupToolHandlers) return;
  session.setupToolHandlers = function (given) {
    for (const { name } of given) tools.learn(name);
    const reported = given.map((tool) => reporting(tool, () => door.current?.held, now));
    return setupToolHandlers.call(this, reported);
  };
}

/** The same tool, which reports to the call that it is run for what becomes of it. */
function reporting(
  tool: SessionTool,
  current: () => InstrumentedCall | undefined,
  now: () => number,
): SessionTool {
  const execute = async (args: unknown, context: unknown): Promise<unknown> => {
    const call = current();
    if (!call) return tool.execute(args, context);
    const startedAt = now();
    call.reported = true;
    call.runStartedAt = startedAt;
    const signal = fieldOf(context, 'signal');
    // A call of which the client is still there is cut off for one reason.
    const cutOff = (): void => {
      call.runSeconds = now() - startedAt;
      call.failure ??= { reason: 'timeout', cause: fieldOf(signal, 'reason') };
    };
    if (signal instanceof AbortSignal) signal.addEventListener('abort', cutOff, { once: true });
    try {
      const returned = await tool.execute(args, context);
      call.returned = returned ?? {};
      return returned;
    } catch (cause) {
      // What a tool means its user to read is no bug.
      if (fieldOf(cause, 'name') !== 'UserError') call.failure ??= { reason: reasonOfThrown(cause), cause };
      throw cause;
    } finally {
      call.runSeconds ??= now() - startedAt;
      if (signal instanceof AbortSignal) signal.removeEventListener('abort', cutOff);
    }
  };
  return Object.create(tool, { execute: { value: execute } }) as SessionTool;
}
