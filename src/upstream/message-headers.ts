import {
  PROTOCOL_VERSION_META_KEY,
  TRACEPARENT_META_KEY,
  TRACESTATE_META_KEY,
  type JSONRPCMessage,
} from '@modelcontextprotocol/client';

/** What a header can have as it is (MCP 2026-07-28, "Value Encoding"). */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const SENTINEL = /^=\?base64\?.*\?=$/;

/**
 * The headers that a message has besides: its trace, for what stands before the upstream and reads no messages, and those that
 * 2026-07-28 wants (MCP 2026-07-28, "Standard Request Headers").
 */
export function headersOf(message: JSONRPCMessage): Record<string, string> {
  if (!('method' in message)) return {};
  const { _meta: meta = {}, ...params } = message.params ?? {};
  const trace = [TRACEPARENT_META_KEY, TRACESTATE_META_KEY].flatMap((key) => {
    const value = meta[key];
    return typeof value === 'string' && PLAIN.test(value) ? [[key, value] as const] : [];
  });
  return {
    ...Object.fromEntries(trace),
    ...standardHeaders(message.method, meta[PROTOCOL_VERSION_META_KEY], params),
  };
}

function standardHeaders(
  method: string,
  version: unknown,
  params: Readonly<Record<string, unknown>>,
): Record<string, string> {
  if (typeof version !== 'string') return {};
  const name = method === 'tools/call' ? params['name'] : undefined;
  return {
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': encoded(name) }),
  };
}

const encoded = (value: string): string =>
  PLAIN.test(value) && !SENTINEL.test(value) ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
