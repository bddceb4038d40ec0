import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';

/** The newest revision served, and the only stateless one. */
export const MODERN_VERSION = '2026-07-28';

/** Every revision that is served, in either era, the newest first. */
export const VERSIONS: readonly string[] = [MODERN_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS];

export const isServed = (version: string): boolean => VERSIONS.includes(version);
