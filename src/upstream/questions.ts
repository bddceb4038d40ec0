import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/client';

/** The method by which a 2025-era upstream asks for its user's input (MCP 2025-11-25, "Elicitation"). */
export const QUESTION = 'elicitation/create';

/** Has an answer sent to the upstream; rejects when that does not take it. */
export type Reply = (answer: { readonly result: object } | { readonly error: object }) => Promise<void>;

/** Puts a question to whoever made the call in the middle of which it was asked. */
export type Ask = (params: Readonly<Record<string, unknown>>, reply: Reply) => void;

/** How the questions of a call are put to whoever made it. */
export interface Asking {
  readonly ask: Ask;
  /** For how long the call has waited for answers, in seconds. */
  readonly waited: () => number;
}

/** The same, which tells of each question before it puts it. */
export const tellingOf = (asking: Asking, asked: () => void): Asking => ({
  ...asking,
  ask(params, reply) {
    asked();
    asking.ask(params, reply);
  },
});

/** The question that a message is; `undefined` if it is none. */
export const questionIn = (message: JSONRPCMessage): JSONRPCRequest | undefined =>
  'method' in message && 'id' in message && message.method === QUESTION ? message : undefined;
