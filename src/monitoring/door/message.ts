/** A JSON-RPC message, as any MCP SDK passes it. */
export interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A JSON-RPC request. */
export interface RpcRequest extends Message {
  readonly id: string | number;
  readonly method: string;
}

/** The request whose answer is a stream of changes, which ends with it (MCP 2026-07-28, "Subscriptions"). */
export const LISTEN = 'subscriptions/listen';

export const isRequest = (message: Message): message is RpcRequest =>
  typeof message.method === 'string' && (typeof message.id === 'string' || typeof message.id === 'number');

/** A field of what may be an object. */
export const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

/** A parameter of a message, whatever its shape. */
export const paramOf = ({ params }: Message, name: string): unknown => fieldOf(params, name);

/** The name in a tools/call; empty when it is no text. */
export function toolNameOf(request: RpcRequest): string {
  const name = paramOf(request, 'name');
  return typeof name === 'string' ? name : '';
}

export const isErrorResult = ({ result }: Message): boolean => fieldOf(result, 'isError') === true;

/** The JSON-RPC error code of an answer that is an error. */
export function errorCodeOf({ error }: Message): number | undefined {
  const code = fieldOf(error, 'code');
  return typeof code === 'number' ? code : undefined;
}

/**
 * A header of the HTTP request that a message came in, where the SDK passes headers on: `requestInfo` of v1, `request` of
 * v2.
 * @param name in lower case
 */
export function headerOf(extra: unknown, name: string): string | undefined {
  const headers =
    fieldOf(fieldOf(extra, 'requestInfo'), 'headers') ?? fieldOf(fieldOf(extra, 'request'), 'headers');
  const value = headers instanceof Headers ? headers.get(name) : fieldOf(headers, name);
  return typeof value === 'string' ? value : undefined;
}

/** The names in the answer to tools/list. */
export function toolNamesIn({ result }: Message): string[] {
  const tools = fieldOf(result, 'tools');
  return Array.isArray(tools) ? tools.map((tool) => String(fieldOf(tool, 'name'))) : [];
}
