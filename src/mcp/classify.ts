import type { IncomingMessage } from 'node:http';
import { classifyInboundRequest, type InboundModernRoute } from '@modelcontextprotocol/server';
import { isWellFormedRequest } from './messages.ts';
import { plainRequestIn, type PlainCall, type PlainList } from './plain-request.ts';
import { MODERN_VERSION, VERSIONS } from './versions.ts';

/** Of which era a request is, and what is wrong with it if it is of none. */
export type Route = ReturnType<typeof classifyInboundRequest>;

/**
 * What the SDK says of a request. Of those that most clients send it is known without the SDK's look at all the forms of
 * messages, which takes long.
 */
export function classify(
  { method = 'GET', headers }: IncomingMessage,
  body: unknown,
): { readonly route: Route; readonly plain?: PlainCall | PlainList } {
  const plain = plainRequestIn(headers, body);
  if (plain) return { route: routeOf(plain), plain };
  const version = headers['mcp-protocol-version'];
  // Its `_meta` names no revision, so that it belongs to a session.
  if (isWellFormedRequest(body) && body.method !== 'initialize' && isOfSession(version))
    return { route: { kind: 'legacy', reason: 'no-claim' } };
  return {
    route: classifyInboundRequest({
      httpMethod: method,
      ...header('protocolVersionHeader', version),
      ...header('mcpMethodHeader', headers['mcp-method']),
      ...header('mcpNameHeader', headers['mcp-name']),
      ...(body !== undefined && { body }),
    }),
  };
}

const routeOf = (message: PlainCall | PlainList): InboundModernRoute => ({
  kind: 'modern',
  messageKind: 'request',
  message,
  classification: { era: 'modern', revision: MODERN_VERSION },
});

const isOfSession = (version: string | string[] | undefined): boolean =>
  version === undefined || (version !== MODERN_VERSION && VERSIONS.includes(String(version)));

const header = <Name extends string>(
  name: Name,
  value: string | string[] | undefined,
): Partial<Record<Name, string>> =>
  (value === undefined ? {} : { [name]: String(value) }) as Partial<Record<Name, string>>;
