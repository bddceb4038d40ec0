import type { IncomingHttpHeaders } from 'node:http';
import type { JSONRPCRequest } from '@modelcontextprotocol/server';
import { fieldOf } from '../monitoring/door/message.ts';
import { META_KEYS } from '../monitoring/door/peer.ts';
import { hasOnly, isObject } from '../tools/plain-result.ts';
import type { CallParams } from './call-context.ts';
import { isCallParams, isId, isRequestMessage } from './messages.ts';
import { MODERN_VERSION } from './versions.ts';

interface PlainParams {
  readonly _meta: Readonly<Record<string, unknown>>;
}

/** A call of 2026-07-28 that says nothing but what most calls say. */
export type PlainCall = JSONRPCRequest & {
  readonly method: 'tools/call';
  readonly params: CallParams & PlainParams;
};

/** The same of a request for the list of tools, from its beginning. */
export type PlainList = JSONRPCRequest & { readonly method: 'tools/list'; readonly params: PlainParams };

const META: ReadonlySet<string> = new Set([
  'progressToken',
  ...Object.values(META_KEYS),
  'traceparent',
  'tracestate',
  'baggage',
]);
const CLIENT: ReadonlySet<string> = new Set(['name', 'version', 'title']);
/** Of each capability the parts that are objects; with any other the SDK is asked. */
const CAPABILITIES: Readonly<Record<string, ReadonlySet<string>>> = {
  elicitation: new Set(['form', 'url']),
  roots: new Set(),
  sampling: new Set(['context', 'tools']),
};

/**
 * The request in a body, if it is one with which the SDK would find nothing wrong: its look at all the forms of messages takes
 * longer than a call. Whether the header of a call's name says the same is not looked at.
 */
export function plainRequestIn(
  headers: IncomingHttpHeaders,
  body: unknown,
): PlainCall | PlainList | undefined {
  if (headers['mcp-protocol-version'] !== MODERN_VERSION) return undefined;
  if (!isRequestMessage(body) || body.method !== headers['mcp-method']) return undefined;
  const params: unknown = body.params;
  const isPlain =
    body.method === 'tools/call'
      ? isCallParams(params)
      : body.method === 'tools/list' && headers['mcp-name'] === undefined && isListParams(params);
  return isPlain && isPlainEnvelope(fieldOf(params, '_meta')) ? (body as PlainCall | PlainList) : undefined;
}

const LIST_FIELDS: ReadonlySet<string> = new Set(['_meta']);

const isListParams = (params: unknown): boolean => isObject(params) && hasOnly(params, LIST_FIELDS);

/** Whether `_meta` says which revision the request is of, which client makes it, and nothing that is answered differently. */
function isPlainEnvelope(meta: unknown): boolean {
  if (!isObject(meta) || !hasOnly(meta, META)) return false;
  const { progressToken: token, traceparent, tracestate, baggage } = meta;
  return (
    meta[META_KEYS.revision] === MODERN_VERSION &&
    isPlainClient(meta[META_KEYS.client]) &&
    arePlainCapabilities(meta[META_KEYS.capabilities]) &&
    (token === undefined || isId(token)) &&
    isOptionalText(traceparent) &&
    isOptionalText(tracestate) &&
    isOptionalText(baggage)
  );
}

function isPlainClient(client: unknown): boolean {
  if (client === undefined) return true;
  if (!isObject(client) || !hasOnly(client, CLIENT)) return false;
  const { name, version, title } = client;
  return typeof name === 'string' && typeof version === 'string' && isOptionalText(title);
}

/** Whether each capability is an empty object, or an object of known parts that are empty objects. */
function arePlainCapabilities(capabilities: unknown): boolean {
  if (!isObject(capabilities)) return false;
  for (const name in capabilities) {
    const parts = capabilities[name];
    const known = Object.hasOwn(CAPABILITIES, name) ? CAPABILITIES[name] : undefined;
    if (!known || !isObject(parts) || !hasOnly(parts, known)) return false;
    for (const part in parts) if (!isEmpty(parts[part])) return false;
  }
  return true;
}

function isEmpty(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const _field in value) return false;
  return true;
}

const isOptionalText = (value: unknown): boolean => value === undefined || typeof value === 'string';
