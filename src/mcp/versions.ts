import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';

/** The newest revision served, and the only stateless one. */
export const MODERN_VERSION = '2026-07-28';

/** Every revision that is served, in either era, the newest first. */
export const VERSIONS: readonly string[] = [MODERN_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS];

/** What the SDK agrees on with a client of a session that asks for a revision. */
export const agreedOn = (asked: string): string =>
  SUPPORTED_PROTOCOL_VERSIONS.includes(asked) ? asked : (SUPPORTED_PROTOCOL_VERSIONS[0] ?? asked);

export const isServed = (version: string): boolean => VERSIONS.includes(version);
