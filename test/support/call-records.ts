import type { CallRecord, ToolCall } from '../../src/tools/call.ts';
import type { ErrorReason } from '../../src/tools/outcome.ts';

/** The record of a call that took so many seconds, and failed if there is a reason for it. */
export function recordOf(tool: string, seconds: number, reason?: ErrorReason): CallRecord {
  const call: ToolCall = {
    name: tool,
    arguments: {},
    caller: { name: 'anonymous', quotaKey: '', mayUse: () => true },
    entrance: 'function',
    requestId: '1',
    signal: new AbortController().signal,
    canElicit: false,
  };
  const settled =
    reason === undefined
      ? ({ status: 'success', result: { content: [] } } as const)
      : ({ status: 'error', reason, message: 'It failed.' } as const);
  return { ...settled, tool, call, totalSeconds: seconds, runSeconds: seconds, resultBytes: undefined };
}
