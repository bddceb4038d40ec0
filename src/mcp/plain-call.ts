import type { IncomingHttpHeaders } from 'node:http';
import type { JSONRPCRequest } from '@modelcontextprotocol/server';
import { META_KEYS } from '../monitoring/door/peer.ts';
import { hasOnly, isObject } from '../tools/plain-result.ts';
import { isId } from './messages.ts';
import type { CallParams } from './tool-calls.ts';
import { MODERN_VERSION } from './versions.ts';

/** A call of 2026-07-28 that says nothing but what most calls say. */
export type PlainCall = JSONRPCRequest & {
  readonly params: CallParams & { readonly _meta: Readonly<Record<string, unknown>> };
};

const MESSAGE: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params']);
const PARAMS: ReadonlySet<string> = new Set(['name', 'arguments', '_meta']);
const META: ReadonlySet<string> = new Set([
  'progressToken',
  ...Object.values(META_KEYS),
  'traceparent',
  'tracestate',
  'baggage',
]);
const CLIENT: ReadonlySet<string> = new Set(['name', 'version', 'title']);
const CAPABILITIES: ReadonlySet<string> = new Set(['elicitation', 'roots', 'sampling']);

/**
 * The call in a body, if it is one with which the SDK would find nothing wrong: its look at all the forms of messages takes
 * longer than the call. Whether the header of its name says the same is not looked at.
 */
export function plainCallIn(headers: IncomingHttpHeaders, body: unknown): PlainCall | undefined {
  if (headers['mcp-protocol-version'] !== MODERN_VERSION || headers['mcp-method'] !== 'tools/call')
    return undefined;
  if (!isObject(body) || !hasOnly(body, MESSAGE)) return undefined;
  const { jsonrpc, id, method, params } = body;
  const isCall = jsonrpc === '2.0' && isId(id) && method === 'tools/call' && hasPlainParams(params);
  return isCall ? (body as PlainCall) : undefined;
}

function hasPlainParams(params: unknown): boolean {
  if (!isObject(params) || !hasOnly(params, PARAMS)) return false;
  const { name, arguments: args, _meta: meta } = params;
  return typeof name === 'string' && (args === undefined || isObject(args)) && isPlainMeta(meta);
}

function isPlainMeta(meta: unknown): boolean {
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

/** Capabilities that say no more than that they are there, and perhaps in which form. */
function arePlainCapabilities(capabilities: unknown): boolean {
  if (!isObject(capabilities) || !hasOnly(capabilities, CAPABILITIES)) return false;
  for (const name in capabilities) {
    const forms = capabilities[name];
    if (!isObject(forms)) return false;
    for (const form in forms) if (!isEmpty(forms[form])) return false;
  }
  return true;
}

function isEmpty(value: unknown): boolean {
  if (!isObject(value)) return false;
  for (const _field in value) return false;
  return true;
}

const isOptionalText = (value: unknown): boolean => value === undefined || typeof value === 'string';
