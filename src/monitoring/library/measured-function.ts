import type { ToolCall } from '../../tools/call.ts';
import { trustedCaller } from '../../authorization/caller.ts';
import { reasonOfThrown, recordOf, type InstrumentedCall } from './instrumented-call.ts';
import type { InstrumentationParts } from './instrumented-server.ts';
import { fieldOf } from '../door/message.ts';

/** Wraps a function so that each call of it is counted as one of a tool, unless the call it is part of is. */
export function measuredFunction<Args extends unknown[], Result>(
  name: string,
  run: (...args: Args) => Result | Promise<Result>,
  { tracing, now, observer, newRequestId, tools, door, functions }: InstrumentationParts,
): (...args: Args) => Promise<Result> {
  const tool = tools.label(name);
  return async (...args) => {
    if (functions.getStore() === tool || door.current?.held?.tool === tool) return run(...args);
    return tracing.call(tool, async (trace) => {
      const call: ToolCall = {
        name,
        arguments: undefined,
        caller: trustedCaller('function'),
        entrance: 'function',
        requestId: newRequestId(),
        signal: neverAborts,
        canElicit: false,
        trace,
      };
      const startedAt = now();
      const finish = (result: unknown, failure?: InstrumentedCall['failure']): void => {
        const ended = { call, tool, startedAt, reported: true, runSeconds: now() - startedAt };
        observer.finished(recordOf({ ...ended, ...(failure && { failure }) }, { result }, now()));
      };
      observer.started(tool);
      let result: Result;
      try {
        result = await functions.run(tool, () => run(...args));
      } catch (cause) {
        // Who calls a function may have aborted it; there is no client that would say so.
        const reason = fieldOf(cause, 'name') === 'AbortError' ? 'cancelled' : reasonOfThrown(cause);
        finish({ isError: true }, { reason, cause });
        throw cause;
      }
      finish(result);
      return result;
    });
  };
}

const neverAborts = new AbortController().signal;
