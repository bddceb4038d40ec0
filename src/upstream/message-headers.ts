import { PROTOCOL_VERSION_META_KEY, type JSONRPCMessage } from '@modelcontextprotocol/client';

/** What a header can have as it is (MCP 2026-07-28, "Value Encoding"). */
const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const SENTINEL = /^=\?base64\?.*\?=$/;

/** The headers that a message of 2026-07-28 has besides (MCP 2026-07-28, "Standard Request Headers"); others have none. */
export function headersOf(message: JSONRPCMessage): Record<string, string> {
  if (!('method' in message)) return {};
  const version = message.params?._meta?.[PROTOCOL_VERSION_META_KEY];
  if (typeof version !== 'string') return {};
  const name = message.method === 'tools/call' ? message.params?.['name'] : undefined;
  return {
    'mcp-protocol-version': version,
    'mcp-method': message.method,
    ...(typeof name === 'string' && { 'mcp-name': encoded(name) }),
  };
}

const encoded = (value: string): string =>
  PLAIN.test(value) && !SENTINEL.test(value) ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
