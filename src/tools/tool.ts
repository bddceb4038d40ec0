import type { StandardJSONSchemaV1, StandardSchemaV1 } from './standard-schema.ts';
import type { InputRequired, ToolFailure, ToolContent } from './result.ts';

/** A JSON Schema 2020-12 document, as published in tools/list. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A schema from zod 4.2 or later, or any library that implements Standard Schema with JSON Schema output. */
export type TypedSchema<Value = unknown> = StandardSchemaV1<unknown, Value> &
  StandardJSONSchemaV1<unknown, Value>;

/** What describes arguments and results: a typed schema, or a plain JSON Schema 2020-12 object. */
export type Schema = TypedSchema | JsonSchema;

/** The type a schema validates to; plain JSON Schema says nothing to TypeScript, hence `unknown`. */
export type Infer<S> = S extends StandardSchemaV1<unknown, infer Value> ? Value : unknown;

/** Where a tool's code runs: on the event loop, or in a worker thread that its deadline can kill. */
export type Isolation = 'none' | 'worker';

/** The syslog levels of MCP's notifications/message, the least severe first. */
export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * What a tool may know and do while it runs. All of it stops working once the call has its outcome. A function that is
 * called with what it cannot take makes the call end as `exception`, and the log says where.
 */
export interface ToolContext {
  /** Aborts when the deadline passes, the client cancels or goes away, or the server gives up draining. */
  readonly signal: AbortSignal;
  /**
   * Tells a client that asked for it how far the call is; `progress` must grow with each report. Reported faster than ten times a
   * second, or than the client reads, only the newest is sent; of `message` the first 1000 characters.
   */
  progress(progress: number, total?: number, message?: string): void;
  /**
   * Sends a log message to the client that made the call, if it listens. Not the server's log. Of more than fifty a second, or than the
   * client reads, the least severe are left out, as is one of more than 65536 characters of JSON; the last says how many were.
   */
  log(level: LogLevel, data: unknown): void;
  /**
   * Ends the client's open stream so that it comes back for the result later; a no-op where the transport
   * cannot resume, or the client might come back to another replica (`sessions.peers`). For calls that run for minutes behind proxies that cut long connections.
   */
  releaseConnection(): void;
  /** The client's answers to the requests of the `inputRequired` result this call continues, by key. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** The `state` of the `inputRequired` result this call continues; its integrity has been checked. */
  readonly state: unknown;
  /** Whether the calling client can be asked through elicitation. */
  readonly canElicit: boolean;
}

/** What a tool does to the world; MCP publishes these as hints that clients may show or act on. */
export interface ToolAnnotations {
  /** Changes nothing. */
  readonly readOnly: boolean;
  /** The same call again has no further effect. */
  readonly idempotent: boolean;
  /** May destroy or overwrite. Default: true unless read-only, as in MCP. */
  readonly destructive?: boolean;
  /** Reaches beyond this server, for example the internet. */
  readonly openWorld: boolean;
}

type MaybePromise<T> = T | Promise<T>;

/**
 * A tool as its author writes it.
 *
 * The handler returns the value that `output` describes (or, without `output`, a string, any JSON value or nothing),
 * or one of the results of `result.ts`: `content`, `failure`, `unavailable`, `inputRequired`. A handler that
 * throws is counted as a bug (`exception`), and the client never sees the message.
 */
export interface ToolDefinition<Input extends Schema = Schema, Output extends Schema = Schema> {
  /** 1 to 128 of `A-Z a-z 0-9 _ . -`, unique in the server. Becomes the metrics' `tool_name`. */
  readonly name: string;
  /** A short name for people. */
  readonly title: string;
  /** For the model that chooses between tools: what it does, what it needs, what it returns. */
  readonly description: string;
  /** An object schema that says what happens to unknown fields: `z.strictObject` refuses them by name, `z.looseObject` accepts them. In plain JSON Schema `additionalProperties` says it. */
  readonly input: Input;
  /** Schema of the value the handler returns; a value it forbids is counted as `exception`. */
  readonly output?: Output;
  /** What the tool does to the world, as hints for clients. */
  readonly annotations: ToolAnnotations;
  /** Default `none`. A `worker` tool gets structured clones of its arguments and must be in a module. */
  readonly isolation?: Isolation;
  /** Deadline of one run, in seconds, at most 86400. Default: the server's `limits.toolTimeoutSeconds`. */
  readonly timeoutSeconds?: number;
  /** Runs at the same time. Default: the server's `limits.toolConcurrency`. */
  readonly maxConcurrency?: number;
  /** Does the work, with validated arguments and the context of the call. */
  handler(
    args: Infer<Input>,
    context: ToolContext,
  ): MaybePromise<Infer<Output> | ToolContent | ToolFailure | InputRequired>;
}

/** Refuses schemas by name, which the SDK takes as `inputSchema`: they would pass for plain JSON Schema. */
type WrappedInput<Input> =
  Input extends Readonly<Record<string, StandardSchemaV1>>
    ? { readonly input: 'wrap it: z.strictObject({ … })' }
    : unknown;

/** Types a tool and returns it unchanged; a tool module exports such values. */
export function defineTool<Input extends Schema, Output extends Schema = Schema>(
  tool: ToolDefinition<Input, Output> & WrappedInput<Input>,
): ToolDefinition<Input, Output> {
  return tool;
}

/** Tools that are enabled together; for a tool module of the user's, the module. */
export interface Toolset {
  /** The metrics' `toolset`: `calculator`, or the module's file name without its ending. */
  readonly name: string;
  readonly source: 'builtin' | 'module';
  /** What a worker imports to find an isolated tool again. */
  readonly moduleUrl: string;
  readonly tools: readonly ToolDefinition[];
}
