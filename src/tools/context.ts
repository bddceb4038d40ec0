import type { ToolCall } from './call.ts';
import { nameOf, strictJson } from './strict-json.ts';
import { LOG_LEVELS, type ToolContext } from './tool.ts';

/** The functions of a context. */
type Functions = Pick<ToolContext, 'progress' | 'log' | 'releaseConnection'>;

/** Functions for a tool, and what it did wrong with them. */
export interface CheckedFunctions {
  readonly functions: Functions;
  /** What was first called with what it cannot take, if anything was. */
  readonly misuse: () => Error | undefined;
  /** From then on they have no effect. */
  readonly revoke: () => void;
}

/**
 * Lets through what a client can be told. What it cannot be told is remembered and not thrown: a tool may say something
 * where nobody catches errors, and that would stop the server.
 */
export function checkedFunctions(told: Partial<Functions>): CheckedFunctions {
  let misuse: Error | undefined;
  let live = true;
  const check = (name: keyof Functions, problem: string | undefined): boolean => {
    // Made where the tool is, so that its stack says where.
    if (problem !== undefined) misuse ??= new TypeError(`context.${name}: ${problem}`);
    return problem === undefined;
  };
  return {
    functions: {
      progress(done, total, message) {
        if (check('progress', problemOfProgress(done, total, message)) && live)
          told.progress?.(done, total, message);
      },
      log(level, data) {
        if (check('log', problemOfLog(level, data)) && live) told.log?.(level, data);
      },
      releaseConnection() {
        if (live) told.releaseConnection?.();
      },
    },
    misuse: () => misuse,
    revoke: () => {
      live = false;
    },
  };
}

/** MCP 2025-11-25 and 2026-07-28, "Progress". */
function problemOfProgress(progress: unknown, total: unknown, message: unknown): string | undefined {
  if (!Number.isFinite(progress)) return `the progress must be a finite number, not ${nameOf(progress)}`;
  if (total !== undefined && !Number.isFinite(total))
    return `the total must be a finite number or left out, not ${nameOf(total)}`;
  if (message !== undefined && typeof message !== 'string')
    return `the message must be a text or left out, not ${nameOf(message)}`;
  return undefined;
}

/** MCP 2025-11-25 and 2026-07-28, "Logging". */
function problemOfLog(level: unknown, data: unknown): string | undefined {
  if (!LOG_LEVELS.some((known) => known === level))
    return `the level must be one of ${LOG_LEVELS.join(', ')}, not ${typeof level === 'string' ? level : nameOf(level)}`;
  try {
    strictJson(data);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The context of a call; its functions have no effect after `revoke`, so that a late handler reaches no other call. */
export function contextOf(
  call: ToolCall,
  signal: AbortSignal,
): { readonly context: ToolContext } & Pick<CheckedFunctions, 'misuse' | 'revoke'> {
  const { functions, misuse, revoke } = checkedFunctions(call);
  const { progress, log, releaseConnection } = functions;
  const { canElicit, answers = {}, state } = call;
  return { context: { signal, canElicit, answers, state, progress, log, releaseConnection }, misuse, revoke };
}
