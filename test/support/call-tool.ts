import { RESULT_KIND, type ToolFailure } from '../../src/tools/result.ts';
import type { TypedSchema, ToolContext, Toolset } from '../../src/tools/tool.ts';

/** How a call ended, as a client would be told. */
export type Outcome =
  | { readonly status: 'success'; readonly value: unknown }
  | { readonly status: 'tool_error' | 'unavailable'; readonly message: string }
  | { readonly status: 'invalid_arguments'; readonly problems: readonly string[] };

/** The context of a call from nowhere. */
export function contextWith(signal: AbortSignal): ToolContext {
  const ignore = () => undefined;
  return {
    signal,
    progress: ignore,
    log: ignore,
    releaseConnection: ignore,
    answers: {},
    state: undefined,
    canElicit: false,
  };
}

/** Calls a tool's handler between its own schemas, and throws when the result breaks the output schema. */
export async function callTool(
  toolset: Toolset,
  name: string,
  args: unknown,
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const tool = toolset.tools.find((candidate) => candidate.name === name);
  if (!tool?.output) throw new Error(`toolset ${toolset.name} has no tool ${name} with an output schema`);
  const input = await (tool.input as TypedSchema)['~standard'].validate(args);
  if (input.issues) {
    return { status: 'invalid_arguments', problems: input.issues.map(({ message }) => message) };
  }
  const value: unknown = await tool.handler(input.value, contextWith(signal));
  if (isFailure(value)) return { status: value.reason, message: value.message };
  const output = await (tool.output as TypedSchema)['~standard'].validate(value);
  if (output.issues) throw new Error(`${name} broke its output schema: ${JSON.stringify(output.issues)}`);
  return { status: 'success', value };
}

const isFailure = (value: unknown): value is ToolFailure =>
  typeof value === 'object' && value !== null && RESULT_KIND in value && value[RESULT_KIND] === 'failure';

/** The value of a call that must succeed. */
export async function valueOf(toolset: Toolset, name: string, args: unknown): Promise<unknown> {
  const outcome = await callTool(toolset, name, args);
  if (outcome.status !== 'success') throw new Error(`${name} did not succeed: ${JSON.stringify(outcome)}`);
  return outcome.value;
}

/** The message of a call that must end as the tool's own failure. */
export async function failureOf(toolset: Toolset, name: string, args: unknown): Promise<string> {
  const outcome = await callTool(toolset, name, args);
  if (outcome.status !== 'tool_error') throw new Error(`${name} did not fail: ${JSON.stringify(outcome)}`);
  return outcome.message;
}
