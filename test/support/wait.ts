import { vi } from 'vitest';

/** How long a machine that does other things may take over what takes a moment, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Vitest's, with more patience. */
export const waitFor: typeof vi.waitFor = (check, options = PATIENCE_MS) => vi.waitFor(check, options);

/** Vitest's, with more patience. */
export const waitUntil: typeof vi.waitUntil = (check, options = PATIENCE_MS) => vi.waitUntil(check, options);
