import { trustedCaller } from '../../src/authorization/caller.ts';
import type { CallRecord, ToolCall } from '../../src/tools/call.ts';
import type { ErrorReason } from '../../src/tools/reasons.ts';

/** A call of a tool that nobody cancels. */
export const callOf = (name: string, more: Partial<ToolCall> = {}): ToolCall => ({
  name,
  arguments: {},
  caller: trustedCaller('anonymous'),
  entrance: 'function',
  requestId: '1',
  signal: new AbortController().signal,
  canElicit: false,
  ...more,
});

/** The record of a call that took so many seconds, and failed if there is a reason for it. */
export function recordOf(tool: string, seconds: number, reason?: ErrorReason, endedAt = 0): CallRecord {
  const settled =
    reason === undefined
      ? ({ status: 'success', result: { content: [] } } as const)
      : ({ status: 'error', reason, message: 'It failed.' } as const);
  return {
    ...settled,
    tool,
    call: callOf(tool),
    endedAt,
    totalSeconds: seconds,
    runSeconds: seconds,
    resultBytes: undefined,
  };
}
