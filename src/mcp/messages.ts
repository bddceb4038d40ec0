import { parseJSONRPCMessage, type JSONRPCMessage, type JSONRPCRequest } from '@modelcontextprotocol/server';

/**
 * The JSON-RPC messages in a body: one, or a batch.
 * @throws what the SDK finds wrong with one that is none
 */
export const messagesIn = (body: unknown): readonly JSONRPCMessage[] =>
  Array.isArray(body) ? body.map(messageIn) : [messageIn(body)];

const messageIn = (given: unknown): JSONRPCMessage =>
  isPlainRequest(given) ? given : parseJSONRPCMessage(given);

const FIELDS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params']);

/** Whether the SDK would find nothing wrong with a request: most are like this, and its look at all the forms of messages is long. */
function isPlainRequest(given: unknown): given is JSONRPCRequest {
  if (!isObject(given)) return false;
  for (const field in given) if (!FIELDS.has(field)) return false;
  const { jsonrpc, id, method, params } = given;
  return jsonrpc === '2.0' && isId(id) && typeof method === 'string' && isPlainParams(params);
}

function isPlainParams(params: unknown): boolean {
  if (!isObject(params)) return params === undefined;
  const { _meta: meta } = params;
  if (meta === undefined) return true;
  if (!isObject(meta)) return false;
  for (const field in meta) if (field !== 'progressToken') return false;
  return isId(meta['progressToken']);
}

const isId = (value: unknown): boolean => typeof value === 'string' || Number.isSafeInteger(value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
