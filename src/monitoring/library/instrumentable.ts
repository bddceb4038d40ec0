import type { McpHandler } from '../door/listens.ts';
import { fieldOf } from '../door/message.ts';
import { hasMethods, isMcpHandler, isServer, type InstrumentableServer } from './server-shape.ts';
import { describeGiven } from './describe-given.ts';
import {
  isServerStrategy,
  isSessionClass,
  isSessionServers,
  type ServerStrategy,
  type SessionClass,
  type SessionServers,
} from './frameworks.ts';

/** What can be watched: servers of the SDK, and what shows those that it makes. */
export type Instrumentable =
  | InstrumentableServer
  | McpHandler
  | SessionClass
  | SessionServers
  | ServerStrategy;

/** What was recognised, with what it is. */
export type Recognised =
  | { readonly kind: 'server'; readonly given: InstrumentableServer }
  | { readonly kind: 'handler'; readonly given: McpHandler }
  | { readonly kind: 'sessionClass'; readonly given: SessionClass }
  | { readonly kind: 'sessionServers'; readonly given: SessionServers }
  | { readonly kind: 'strategy'; readonly given: ServerStrategy };

/**
 * Recognises by its shape what was given.
 * @throws TypeError when nothing of it could be watched, with what to pass in its place
 */
export function recognise(given: unknown): Recognised {
  // Before its server, which this one never connects.
  if (isSessionServers(given)) return { kind: 'sessionServers', given };
  if (isServer(given)) return { kind: 'server', given };
  if (isMcpHandler(given)) return { kind: 'handler', given };
  if (isSessionClass(given)) return { kind: 'sessionClass', given };
  if (isServerStrategy(given)) return { kind: 'strategy', given };
  const wayOut = WAYS_OUT.find(({ of }) => of(given));
  throw new TypeError(
    `instrument takes ${TAKEN}, not ${describeGiven(given)}${wayOut ? `: ${wayOut.instead}` : ''}`,
  );
}

const TAKEN =
  'a McpServer or Server of the MCP SDK, what createMcpHandler returns, the class FastMCPSession of fastmcp, a McpStrategy ' +
  'of MCP-Nest or a MCPServer of mcp-use 1';

/** Known frameworks whose servers cannot be watched as they are, and what to pass instead. */
const WAYS_OUT: readonly { readonly of: (given: unknown) => boolean; readonly instead: string }[] = [
  {
    of: (given) => hasMethods(given, 'addTool', 'start') && Array.isArray(fieldOf(given, 'sessions')),
    instead: 'it has a server for each session. Pass the class of its sessions, FastMCPSession of fastmcp',
  },
  {
    of: (given) => hasMethods(given, 'fetch', 'tool', 'listen'),
    instead:
      'its servers are out of reach. Measure its tools: server.tool(definition, monitoring.tool(definition.name, callback))',
  },
  {
    of: (given) => hasMethods(given, 'fetch'),
    instead:
      'an HTTP handler does not give access to its servers. Pass each McpServer or Server where it is made',
  },
  { of: (given) => hasMethods(given, 'callTool'), instead: 'that is a client' },
  {
    of: (given) => typeof given === 'function',
    instead: 'pass what it makes',
  },
];
