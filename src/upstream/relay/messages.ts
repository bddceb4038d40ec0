/** A message of JSON-RPC, as far as it is looked at on its way. */
export interface Message {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A request of JSON-RPC. */
export interface Request extends Message {
  readonly id: string | number;
  readonly method: string;
}

/** The messages that a parsed body has: one, or those of a batch. */
export const messagesIn = (body: unknown): readonly Message[] =>
  (Array.isArray(body) ? (body as unknown[]) : [body]).filter(isMessage);

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null;

export const isRequest = (message: Message): message is Request =>
  typeof message.method === 'string' && (typeof message.id === 'string' || typeof message.id === 'number');

/** A field of what may be an object. */
export const fieldOf = (value: unknown, name: string): unknown =>
  isMessage(value) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

/** The messages in a text; none where it is no JSON. */
export function parsedMessages(text: string): readonly Message[] {
  try {
    return messagesIn(JSON.parse(text));
  } catch {
    return [];
  }
}
