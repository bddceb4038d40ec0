import { Client } from '@modelcontextprotocol/client';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { LOW_LEVEL, newServer, newV1Server } from '../support/foreign-servers.ts';

const TAKES =
  'instrument takes a McpServer or Server of the MCP SDK, what createMcpHandler returns, the class FastMCPSession of ' +
  'fastmcp, a McpStrategy of MCP-Nest or a MCPServer of mcp-use 1, not ';

/** Much has a method `fetch`, or `connect` and `close`, and is no MCP server. */
class Hono {
  readonly fetch = () => Promise.resolve(new Response());
}
class Database {
  connect(): void {
    // Nowhere.
  }
  close(): void {
    // Nothing.
  }
}
const HTTP =
  ': an HTTP handler does not give access to its servers. Pass each McpServer or Server where it is made';

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a text', 'server', 'a string'],
  ['a list of servers', [newServer()], 'a list'],
  ['an empty object', {}, 'an object'],
  ['an object without a prototype', Object.create(null), 'an object'],
  ['what has something called server', { server: {} }, 'an object'],
  ['a server without the way to connect it', { server: newServer().server }, 'an object'],
  ['an application of Hono', new Hono(), `a Hono${HTTP}`],
  ['what Workers export', { fetch: () => new Response() }, `an object${HTTP}`],
  ['the global object', globalThis, `an object${HTTP}`],
  ['a database', new Database(), 'a Database'],
  ['a client', new Client({ name: 'a', version: '1' }), 'a Client: that is a client'],
  ['a factory', () => newServer(), 'a function: pass what it makes'],
  ['a class', newServer().constructor, 'the class McpServer: pass what it makes'],
  ['a promise of a server', Promise.resolve(newServer()), 'a Promise'],
];

describe('instrument', () => {
  const instrument = createMonitoring().instrument as (given: unknown) => unknown;

  it.each(REFUSED)('refuses %s, by naming what it got', (_what, given, named) => {
    expect(() => instrument(given)).toThrow(new TypeError(TAKES + named));
  });

  it.each([
    ['a McpServer of v2', newServer()],
    ['its low-level half', newServer().server],
    ['a McpServer of v1', newV1Server()],
    ['a low-level server of v1', LOW_LEVEL.v1({ call: () => ({ content: [] }) })],
    ['a low-level server of v2', LOW_LEVEL.v2({ call: () => ({ content: [] }) })],
    ['what createMcpHandler returns', createMcpHandler(newServer)],
  ] as const)('takes %s, and returns it', (_what, given) => {
    expect(instrument(given)).toBe(given);
  });
});
