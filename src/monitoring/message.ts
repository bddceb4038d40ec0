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

/** The `_meta` keys of a request that say its revision and its client (MCP 2026-07-28, "_meta"). */
const VERSION_META_KEY = 'io.modelcontextprotocol/protocolVersion';
const CLIENT_META_KEY = 'io.modelcontextprotocol/clientInfo';

/** The revision that a request itself names. */
export function statedVersion(request: RpcRequest): string | undefined {
  const asked =
    fieldOf(paramOf(request, '_meta'), VERSION_META_KEY) ??
    (request.method === 'initialize' ? paramOf(request, 'protocolVersion') : undefined);
  return typeof asked === 'string' ? asked : undefined;
}

/** What the client of a request says of itself in it. */
export const statedClient = (request: RpcRequest): unknown =>
  fieldOf(paramOf(request, '_meta'), CLIENT_META_KEY);

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
