import type { Child } from './child.ts';

/** A call of the tool `add`, as one of the server's entrances takes it. */
export interface CallRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `[<id>]` stands for an identifier of its own in each request. */
  readonly body: string;
  /** What the body of the right answer contains. */
  readonly expected: string;
}

const json = { 'content-type': 'application/json' };
const mcp = { ...json, accept: 'application/json, text/event-stream' };
const clientInfo = { name: 'bench', version: '0.0.0' };
const args = { a: 5, b: 3 };

/** A call through the REST API. */
export const restCall: CallRequest = {
  path: '/execute',
  headers: json,
  body: JSON.stringify({ tool_name: 'add', arguments: args }),
  expected: '"result":8,"status":"success"',
};

/** A call of MCP 2026-07-28. */
export const modernCall = (tool = 'add', toolArguments: object = args): CallRequest => ({
  path: '/mcp',
  headers: { ...mcp, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': tool },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: '[<id>]',
    method: 'tools/call',
    params: {
      name: tool,
      arguments: toolArguments,
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': clientInfo,
      },
    },
  }),
  expected: '"structuredContent":8',
});

/** A list of all tools, of MCP 2026-07-28. */
export const listRequest: CallRequest = {
  path: '/mcp',
  headers: { ...mcp, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: '[<id>]',
    method: 'tools/list',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
        'io.modelcontextprotocol/clientInfo': clientInfo,
      },
    },
  }),
  expected: '"tools":[',
};

const LEGACY_VERSION = '2025-11-25';

/** A call of MCP 2025-11-25; without a session for a server that keeps none. */
export const legacyCall = (session?: string, tool = 'add'): CallRequest => ({
  path: '/mcp',
  headers: legacyHeaders(session),
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: '[<id>]',
    method: 'tools/call',
    params: { name: tool, arguments: args },
  }),
  expected: '"text":"8"',
});

/** A list of all tools, in the session of a call of MCP 2025-11-25. */
export const listIn = ({ path, headers }: CallRequest): CallRequest => ({
  path,
  headers,
  body: JSON.stringify({ jsonrpc: '2.0', id: '[<id>]', method: 'tools/list', params: {} }),
  expected: '"tools":[',
});

const legacyHeaders = (session: string | undefined): Record<string, string> => ({
  ...mcp,
  'mcp-protocol-version': LEGACY_VERSION,
  ...(session !== undefined && { 'mcp-session-id': session }),
});

/** Asks a session whether its server is there. */
export async function ping({ url }: Child, session: string): Promise<void> {
  const answer = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: legacyHeaders(session),
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`ping was answered with ${answer.status}: ${text}`);
}

/** Opens a session of MCP 2025-11-25 and returns its id. */
export async function openSession({ url }: Pick<Child, 'url'>): Promise<string> {
  const params = { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo };
  const opened = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: mcp,
    body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }),
  });
  await opened.text();
  const session = opened.headers.get('mcp-session-id');
  if (session === null) throw new Error(`no session, but status ${opened.status}`);
  const confirmed = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: legacyHeaders(session),
    body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
  });
  await confirmed.text();
  return session;
}

/** Ends a session, whose memory the server would keep. */
export async function endSession({ url }: Pick<Child, 'url'>, session: string): Promise<void> {
  const ended = await fetch(`${url}/mcp`, { method: 'DELETE', headers: legacyHeaders(session) });
  await ended.text();
}
