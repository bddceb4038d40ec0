/** MCP 2025-11-25, "Session Management": an id has visible ASCII characters only. No id of ours is longer than this. */
const WELL_FORMED = /^[\x21-\x7e]{1,512}$/;

/** A new session id: unique, and not to be guessed, as `randomUuid` is (MCP 2025-11-25, "Session Management"). */
export const newSessionId = (randomUuid: () => string): string => randomUuid();

/** The id that the `Mcp-Session-Id` header names; `undefined` when it cannot be one of ours. */
export const readSessionId = (header: string | string[]): string | undefined =>
  typeof header === 'string' && WELL_FORMED.test(header) ? header : undefined;
