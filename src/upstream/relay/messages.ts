import {
  fieldOf,
  isRequest,
  LISTEN,
  toolNameOf as nameIn,
  type Message,
  type RpcRequest as Request,
} from '../../monitoring/door/message.ts';

export { fieldOf, isRequest, LISTEN, type Message, type Request };

/** The messages that a parsed body has: one, or those of a batch. */
export const messagesIn = (body: unknown): readonly Message[] =>
  (Array.isArray(body) ? (body as unknown[]) : [body]).filter(isMessage);

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null;

/** Whether a message is about a request that is under way: without it one would hang, and it asks for nothing. */
export const isOfRequestInFlight = ({ method }: Message): boolean =>
  method === undefined || method === 'notifications/cancelled';

/** What an upstream reads to know which tool is called. */
const OF_MESSAGE = ['id', 'method', 'params'];
const OF_CALL = ['name'];

/**
 * Why nobody can tell what messages ask for, if so: what is passed on must be read by the upstream as it is here.
 * @param isStrict whether names of fields that some parsers take for others count, too
 */
export function whyUnclear(messages: readonly Message[], isStrict: boolean): string | undefined {
  for (const message of messages) {
    const { id, method, params } = message;
    if (method === undefined) continue;
    if (id === undefined ? method === 'tools/call' : !isRequest(message))
      return 'The id of a request must be a string or a number, and its method a string';
    if (isStrict && (hasTwin(message, OF_MESSAGE) || hasTwin(params, OF_CALL)))
      return 'Names of fields must be written as JSON-RPC and MCP write them: id, method, params, name';
  }
  return undefined;
}

/** Whether an object has a field whose name is one of these in other letters. */
const hasTwin = (value: unknown, names: readonly string[]): boolean =>
  isMessage(value) &&
  Object.keys(value).some((key) => !names.includes(key) && names.includes(key.toLowerCase()));

/** The messages in a text; none where it is no JSON. */
export function parsedMessages(text: string): readonly Message[] {
  try {
    return messagesIn(JSON.parse(text));
  } catch {
    return [];
  }
}

/** The tool that a request calls, if it is a call; '' where it names none. */
export const toolNameOf = (request: Request): string | undefined =>
  request.method === 'tools/call' ? nameIn(request) : undefined;

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
