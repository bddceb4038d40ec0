import type { ErrorReason } from '../../tools/reasons.ts';
import { reasonOfThrown, type InstrumentedCall } from './instrumented-call.ts';
import { fieldOf } from '../door/message.ts';
import type { CallStep, HighServer } from './server-shape.ts';

/**
 * Has a `McpServer` say, for the call it carries out, what its answer will not: whether the arguments were refused, the
 * tool threw or its result was refused, and how long the tool itself took.
 */
export function reportSteps(
  server: HighServer,
  current: () => InstrumentedCall | undefined,
  now: () => number,
): void {
  const reporting =
    (step: CallStep, reasonOf: (error: unknown) => ErrorReason): CallStep =>
    async (...args) => {
      const call = current();
      if (call) call.reported = true;
      try {
        return await step.apply(server, args);
      } catch (cause) {
        if (call) call.failure ??= { reason: reasonOf(cause), cause };
        throw cause;
      }
    };
  const execute = reporting(server.executeToolHandler, reasonOfThrown);
  server.validateToolInput = reporting(server.validateToolInput, () => 'invalid_arguments');
  server.validateToolOutput = reporting(server.validateToolOutput, () => 'exception');
  server.executeToolHandler = async (...args) => {
    const call = current();
    const startedAt = now();
    if (call) call.runStartedAt = startedAt;
    try {
      const trace = call?.call.trace;
      const returned = await (trace ? trace.phase('run', () => execute(...args)) : execute(...args));
      if (call) call.returned = returned;
      return returned;
    } finally {
      // A tool that asks for input is run once for each round.
      if (call) call.runSeconds = (call.runSeconds ?? 0) + now() - startedAt;
    }
  };
}

/** Calls back whenever a `McpServer` has been given a tool, so that its series exist before its first call. */
export function onRegistered(server: HighServer, registered: (name: string) => void): void {
  for (const method of ['registerTool', 'tool'] as const) {
    const register = fieldOf(server, method);
    if (typeof register !== 'function') continue;
    const reported = (...args: unknown[]): unknown => {
      const tool: unknown = register.apply(server, args);
      registered(String(args[0]));
      return tool;
    };
    Object.assign(server, { [method]: reported });
  }
}
