import { z } from 'zod';

const annotations = z
  .object({
    audience: z.array(z.enum(['user', 'assistant'])).optional(),
    priority: z.number().min(0).max(1).optional(),
    lastModified: z.iso.datetime({ offset: true }).optional(),
  })
  .optional();

/** The content blocks of MCP 2025-11-25 and 2026-07-28. */
export const contentBlock = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string(), annotations }),
  z.object({ type: z.literal('image'), data: z.base64(), mimeType: z.string(), annotations }),
  z.object({ type: z.literal('audio'), data: z.base64(), mimeType: z.string(), annotations }),
  z.object({
    type: z.literal('resource_link'),
    uri: z.string(),
    name: z.string(),
    title: z.string().optional(),
    description: z.string().optional(),
    mimeType: z.string().optional(),
    annotations,
  }),
  z.object({
    type: z.literal('resource'),
    resource: z.union([
      z.object({ uri: z.string(), mimeType: z.string().optional(), text: z.string() }),
      z.object({ uri: z.string(), mimeType: z.string().optional(), blob: z.base64() }),
    ]),
    annotations,
  }),
]);

/** A block of a tool result: text, image, audio, or a resource embedded or linked. */
export type ContentBlock = z.infer<typeof contentBlock>;

/** A question to the client's user, in the shape of MCP's elicitation/create. */
export interface InputRequest {
  readonly method: 'elicitation/create';
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Marks a handler's return value as one of the results below: a symbol, so that no JSON a client sent can pass
 * for one, and a registered one, so that a tool module's own copy of this file makes the same.
 */
export const RESULT_KIND: unique symbol = Symbol.for('nexus-mcp/result');

/** A success made of content blocks. */
export interface ToolContent {
  readonly [RESULT_KIND]: 'content';
  readonly content: readonly ContentBlock[];
  /** The value that the tool's output schema describes, when it has one. */
  readonly value?: unknown;
}

/** A failure the tool itself reports; the message is for the model and must hold no secret. */
export interface ToolFailure {
  readonly [RESULT_KIND]: 'failure';
  readonly reason: 'tool_error' | 'unavailable';
  readonly message: string;
  /** For the log only: what was thrown, or what kept the server from running the tool to its end. */
  readonly cause?: unknown;
}

/** A call that cannot go on without answers from the client. */
export interface InputRequired {
  readonly [RESULT_KIND]: 'input_required';
  readonly requests: Readonly<Record<string, InputRequest>>;
  readonly state?: unknown;
}

/** What a handler may return besides a value. */
export type MarkedResult = ToolContent | ToolFailure | InputRequired;

/** Whether a value is one of these results. */
export const isMarked = (value: unknown): value is MarkedResult =>
  typeof value === 'object' && value !== null && RESULT_KIND in value;

/** What a handler threw; of a result, what to do instead. The message of a failure is left out, as from every log. */
export const explainThrown = (thrown: unknown): unknown =>
  isMarked(thrown) ? errorWithoutFrames(`${makerOf(thrown)}(...) was thrown: return it`) : thrown;

function makerOf(result: MarkedResult): string {
  switch (result[RESULT_KIND]) {
    case 'content':
      return 'content';
    case 'input_required':
      return 'inputRequired';
    case 'failure':
      return result.reason === 'unavailable' ? 'unavailable' : 'failure';
  }
}

/** An error about a tool, whose stack would name the server's files alone. */
export const errorWithoutFrames = (message: string, cause?: unknown): Error =>
  Object.assign(new Error(message, cause === undefined ? {} : { cause }), { stack: `Error: ${message}` });

/**
 * Returns content blocks instead of a plain value.
 * @param value the structured value, required when the tool has an output schema
 */
export function content(blocks: readonly ContentBlock[], value?: unknown): ToolContent {
  return { [RESULT_KIND]: 'content', content: blocks, ...(value !== undefined && { value }) };
}

/**
 * Reports that the tool could not do what it was asked (`tool_error`); say why and what would work.
 * @param cause for the log only, which leaves out what looks like a secret: what was thrown
 */
export const failure = (message: string, cause?: unknown): ToolFailure =>
  failureOf('tool_error', message, cause);

/**
 * Reports that something the tool depends on could not be reached (`unavailable`): the server's fault.
 * @param cause for the log only, which leaves out what looks like a secret: what was thrown
 */
export const unavailable = (message: string, cause?: unknown): ToolFailure =>
  failureOf('unavailable', message, cause);

const failureOf = (reason: ToolFailure['reason'], message: string, cause: unknown): ToolFailure => ({
  [RESULT_KIND]: 'failure',
  reason,
  message,
  ...(cause !== undefined && { cause }),
});

/**
 * Asks the client before going on: it answers, and the handler runs again with `context.answers` and
 * `context.state`. The client can read `state` but not make or change one; put no secret in it.
 */
export function inputRequired(
  requests: Readonly<Record<string, InputRequest>>,
  state?: unknown,
): InputRequired {
  return { [RESULT_KIND]: 'input_required', requests, ...(state !== undefined && { state }) };
}

/** A form for the client's user. `requestedSchema` is a flat JSON Schema object of primitives (MCP elicitation). */
export function elicit(message: string, requestedSchema: Readonly<Record<string, unknown>>): InputRequest {
  return { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } };
}

const acceptedAnswer = z.object({ action: z.literal('accept'), content: z.record(z.string(), z.unknown()) });

/** The content of an accepted answer that `schema` allows, else `undefined`: missing, declined, cancelled or invalid. */
export function accepted<Value>(answer: unknown, schema: z.ZodType<Value>): Value | undefined {
  if (typeof (schema as Partial<typeof schema> | undefined)?.safeParse !== 'function')
    throw new TypeError(
      'accepted(answer, schema) takes a schema of zod, such as z.object({ seats: z.int() })',
    );
  const parsed = acceptedAnswer.safeParse(answer);
  return parsed.success ? schema.safeParse(parsed.data.content).data : undefined;
}
