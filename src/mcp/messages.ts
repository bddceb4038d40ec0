import { parseJSONRPCMessage, type JSONRPCMessage, type JSONRPCRequest } from '@modelcontextprotocol/server';
import { hasOnly, isObject } from '../tools/plain-result.ts';
import type { CallParams } from './call-context.ts';

/**
 * The JSON-RPC messages in a body: one, or a batch.
 * @throws what the SDK finds wrong with one that is none
 */
export const messagesIn = (body: unknown): readonly JSONRPCMessage[] =>
  Array.isArray(body) ? body.map(messageIn) : [messageIn(body)];

const messageIn = (given: unknown): JSONRPCMessage =>
  isWellFormedRequest(given) ? given : parseJSONRPCMessage(given);

const FIELDS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params']);
const META_FIELDS: ReadonlySet<string> = new Set(['progressToken']);

/**
 * Whether the SDK would find nothing wrong with a request of the 2025 era: most are like this, and its look at all the forms of
 * messages is long.
 */
export const isWellFormedRequest = (given: unknown): given is JSONRPCRequest =>
  isRequestMessage(given) && isPlainParams(given.params);

/** Whether a value has the fields of a request and no others. What its parameters are is not looked at. */
export function isRequestMessage(given: unknown): given is JSONRPCRequest {
  if (!isObject(given) || !hasOnly(given, FIELDS)) return false;
  const { jsonrpc, id, method } = given;
  return jsonrpc === '2.0' && isId(id) && typeof method === 'string';
}

const isPlainParams = (params: unknown): boolean =>
  isObject(params) ? isPlainMeta(params['_meta']) : params === undefined;

/** Whether `_meta` is missing, or says nothing but a progress token. */
export function isPlainMeta(meta: unknown): boolean {
  if (!isObject(meta)) return meta === undefined;
  const { progressToken: token } = meta;
  return hasOnly(meta, META_FIELDS) && (token === undefined || isId(token));
}

const CALL_FIELDS: ReadonlySet<string> = new Set(['name', 'arguments', '_meta']);

/** Whether parameters are those of a call that its client does not come back with. What its `_meta` says is not looked at. */
export function isCallParams(params: unknown): params is CallParams & { readonly _meta?: unknown } {
  if (!isObject(params) || !hasOnly(params, CALL_FIELDS)) return false;
  const { name, arguments: args } = params;
  return typeof name === 'string' && (args === undefined || isObject(args));
}

/** Whether a value may be the id of a request, or a progress token. */
export const isId = (value: unknown): boolean => typeof value === 'string' || Number.isSafeInteger(value);
