import type { ToolCall } from '../../tools/call.ts';
import { trustedCaller } from '../../authorization/caller.ts';
import { outcomeOf, resultSize } from './answer.ts';
import { identify, reasonOfThrown } from './instrumented-call.ts';
import type { InstrumentationParts } from './instrumented-server.ts';
import { fieldOf } from '../door/message.ts';

/** Wraps a function so that each call of it is counted as one of a tool, unless the call it is part of is. */
export function measuredFunction<This, Args extends unknown[], Result>(
  name: string,
  run: (this: This, ...args: Args) => Result | Promise<Result>,
  parts: InstrumentationParts,
): (this: This, ...args: Args) => Promise<Result> {
  const { tracing, now, observer, newRequestId, tools, door, functions } = parts;
  tools.learn(name);

  /** Says of the call that it is part of what the call's answer may not: that there is the tool, and what it threw. */
  async function runWithin(work: () => Result | Promise<Result>): Promise<Result> {
    const call = door.current?.held;
    if (call?.call.name !== name) return work();
    identify(call, parts);
    try {
      const result = await work();
      call.failure = undefined;
      return result;
    } catch (cause) {
      call.failure = { reason: reasonOfThrown(cause), cause };
      throw cause;
    }
  }

  function runMeasured(work: () => Result | Promise<Result>): Promise<Result> {
    const tool = tools.label(name);
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
      observer.started(tool, startedAt);
      const finish = (outcome: ReturnType<typeof outcomeOf>, resultBytes?: number): void => {
        const endedAt = now();
        const seconds = endedAt - startedAt;
        observer.finished({
          ...outcome,
          tool,
          call,
          endedAt,
          totalSeconds: seconds,
          runSeconds: seconds,
          resultBytes,
        });
      };
      let result: Result;
      try {
        result = await functions.run(name, work);
      } catch (cause) {
        // Who calls a function may have aborted it; there is no client that would say so.
        const reason = fieldOf(cause, 'name') === 'AbortError' ? 'cancelled' : reasonOfThrown(cause);
        finish({ status: 'error', reason, message: reason, cause });
        throw cause;
      }
      const outcome = outcomeOf({ result });
      finish(outcome, outcome.status === 'success' ? resultSize(result) : undefined);
      return result;
    });
  }

  return async function (...args) {
    const work = (): Result | Promise<Result> => run.apply(this, args);
    if (door.closed) return work();
    const isPart = functions.getStore() === name || door.current?.held?.call.name === name;
    return isPart ? runWithin(work) : runMeasured(work);
  };
}

const neverAborts = new AbortController().signal;
