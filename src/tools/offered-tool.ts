import { fileURLToPath } from 'node:url';
import { createLane, type Lane } from './admission.ts';
import type { Failure, ToolCall } from './call.ts';
import { UNKNOWN_TOOL } from './reasons.ts';
import { compileSchema, isTyped, type CompiledSchema, type Validation } from './schema.ts';
import { settle, type RunOutcome } from './settle.ts';
import type { Isolation, JsonSchema, Schema, ToolContext, ToolDefinition, Toolset } from './tool.ts';

/** A tool as MCP's tools/list and REST's GET /tools publish it. */
export interface ToolListing {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations: Readonly<Record<string, boolean | string>>;
  /** Of tools of upstreams, as those publish them. */
  readonly icons?: unknown;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

/** A tool the server offers: what it is called and shown as, and how a call of it is carried out. */
export interface OfferedTool {
  readonly name: string;
  readonly toolset: string;
  readonly source: 'builtin' | 'module' | 'upstream';
  readonly isolation: Isolation;
  /** Deadline of one run. */
  readonly timeoutSeconds: number;
  /** What a call ends in that its deadline ends; by default the tool did not finish. */
  readonly late?: Failure;
  /** Where a run needs a free place, besides one among all calls; the widest first. */
  readonly lanes: readonly Lane[];
  readonly listing: ToolListing;
  validate(args: unknown): Validation | Promise<Validation>;
  /** Runs the tool's code on validated arguments; what it returns or throws is the tool's. */
  run(args: unknown, context: ToolContext, call: ToolCall): unknown;
  /** Told that a call that asked for input, and kept this for its next run, has no next run. */
  forget?(state: unknown): void;
  /** Makes the outcome of what {@link run} returned. */
  settle(returned: unknown, call: ToolCall, maxBytes: number): Promise<RunOutcome>;
}

/** Runs an isolated tool's handler in a worker thread and kills it when `context.signal` aborts. */
export interface Workers {
  run(
    tool: { readonly name: string; readonly moduleUrl: string },
    args: unknown,
    context: ToolContext,
  ): Promise<unknown>;
  /** The worker threads, as a lane for admission. */
  readonly lane: Lane;
}

/** What an operator may set for one tool, over what its author wrote. */
export interface ToolLimits {
  readonly timeoutSeconds?: number | undefined;
  readonly maxConcurrency?: number | undefined;
}

type Limits = Readonly<Record<keyof ToolLimits, number>>;

/** What limits tools have: `defaults` of a tool that states none, and `overrides` by tool name, which win over the tool's own. */
export interface LimitsOfTools {
  readonly defaults: Limits;
  readonly overrides?: Readonly<Record<string, ToolLimits>>;
}

export type OfferResult =
  | { readonly ok: true; readonly tools: readonly OfferedTool[] }
  | { readonly ok: false; readonly problems: readonly string[] };

// MCP 2025-11-25 and 2026-07-28, "Tool Names".
const TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** The limits of one tool. */
export function limitsOf(tool: ToolDefinition, { defaults, overrides = {} }: LimitsOfTools): Limits {
  const override = Object.hasOwn(overrides, tool.name) ? overrides[tool.name] : undefined;
  return {
    timeoutSeconds: override?.timeoutSeconds ?? tool.timeoutSeconds ?? defaults.timeoutSeconds,
    maxConcurrency: override?.maxConcurrency ?? tool.maxConcurrency ?? defaults.maxConcurrency,
  };
}

/** Makes the tools of toolsets ready to be offered, or returns every problem found in them, each with the module it is in. */
export function offerToolsets(
  toolsets: readonly Toolset[],
  workers: Workers,
  limits: LimitsOfTools,
): OfferResult {
  const byName = new Map<string, OfferedTool>();
  const owners = new Map<string, Toolset>();
  const problems: string[] = [];
  for (const toolset of toolsets) {
    const taken = new Map<Toolset, string[]>();
    for (const tool of toolset.tools) {
      const owner = owners.get(tool.name);
      if (owner && owner !== toolset) taken.set(owner, [...(taken.get(owner) ?? []), tool.name]);
      const { input, output, problems: own } = examine(tool);
      const found = owner === toolset ? [TWICE, ...own] : own;
      problems.push(...found.map((problem) => `${placeOf(toolset)}: tool ${tool.name}: ${problem}`));
      if (!input || owner || found.length > 0) continue;
      owners.set(tool.name, toolset);
      byName.set(tool.name, offer(tool, { input, output }, toolset, workers, limitsOf(tool, limits)));
    }
    for (const [owner, names] of taken) problems.push(`${placeOf(toolset)}: ${clash(owner, names)}`);
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, tools: [...byName.values()] };
}

const TWICE = 'it is exported twice by this file; give each tool a name of its own';

/** What is wrong with names that another toolset has. */
function clash(owner: Toolset, names: readonly string[]): string {
  const isOne = names.length === 1;
  const tools = `${isOne ? 'tool' : 'tools'} ${names.join(', ')}`;
  const same = isOne ? 'a tool of the same name' : 'tools of the same names';
  if (owner.source === 'builtin')
    return `${tools}: the built-in toolset ${owner.name} has ${same}; rename yours`;
  return `${tools}: ${placeOf(owner)} has ${same}; ${isOne ? 'rename one of them' : 'rename them in one of the files'}`;
}

/** The file of a toolset, as problems name it. */
export const placeOf = ({ moduleUrl }: Pick<Toolset, 'moduleUrl'>): string =>
  moduleUrl.startsWith('file:') ? fileURLToPath(moduleUrl) : moduleUrl;

interface Schemas {
  readonly input: CompiledSchema;
  readonly output: CompiledSchema | undefined;
}

/**
 * Compiles a tool's schemas, and finds what is wrong with the name and the schemas. Without `input` in the answer, at least that is.
 * @param tool with a name that is a text, and with schemas that are objects
 */
export function examine(tool: ToolDefinition): Partial<Schemas> & { readonly problems: readonly string[] } {
  const problems: string[] = [];
  if (!TOOL_NAME.test(tool.name)) problems.push('its name must be 1 to 128 of A-Z a-z 0-9 _ . -');
  if (tool.name === UNKNOWN_TOOL)
    problems.push(`the name ${UNKNOWN_TOOL} is reserved for calls to unknown tools`);
  const compile = (schema: Schema, side: 'input' | 'output'): CompiledSchema | undefined => {
    try {
      return compileSchema(schema, side);
    } catch (error) {
      problems.push(
        `its ${side} schema cannot be published: ${error instanceof Error ? error.message : String(error)}`,
      );
      return undefined;
    }
  };
  const input = compile(tool.input, 'input');
  const { example, unknownFields } = adviceFor(tool.input);
  if (input && input.json['type'] !== 'object')
    problems.push(`its input schema must have type "object"${example}`);
  else if (input && !('additionalProperties' in input.json) && !('unevaluatedProperties' in input.json))
    problems.push(`its input schema does not say what happens to unknown fields: ${unknownFields}`);
  const output = tool.output === undefined ? undefined : compile(tool.output, 'output');
  return { ...(input && { input }), output, problems };
}

/** How to write an input schema, in the terms of what it is written with. */
function adviceFor(schema: Schema): { readonly example: string; readonly unknownFields: string } {
  if (!isTyped(schema))
    return {
      example: ', as { type: "object", additionalProperties: false } does',
      unknownFields: 'set additionalProperties to false to refuse them, or to true to accept them',
    };
  if (schema['~standard'].vendor === 'zod')
    return {
      example: ', as z.strictObject({...}) gives',
      unknownFields: 'use z.strictObject to refuse them, or z.looseObject to accept them',
    };
  return {
    example: '',
    unknownFields: 'its JSON Schema needs additionalProperties, false to refuse them or true to accept them',
  };
}

function offer(
  tool: ToolDefinition,
  { input, output }: Schemas,
  { name: toolset, source, moduleUrl }: Toolset,
  workers: Workers,
  { timeoutSeconds, maxConcurrency }: Limits,
): OfferedTool {
  const { name, isolation = 'none' } = tool;
  const own = createLane(maxConcurrency, `the tool ${name}`);
  const isIsolated = isolation === 'worker';
  return {
    name,
    toolset,
    source,
    isolation,
    timeoutSeconds,
    lanes: isIsolated ? [workers.lane, own] : [own],
    listing: listingOf(tool, input.json, output?.json),
    validate: (args) => input.validate(args),
    run: (args, context) =>
      isIsolated ? workers.run({ name, moduleUrl }, args, context) : tool.handler(args, context),
    settle: (returned, call, maxBytes) => settle(output, returned, call, maxBytes),
  };
}

function listingOf(
  { name, title, description, annotations }: ToolDefinition,
  inputSchema: JsonSchema,
  outputSchema: JsonSchema | undefined,
): ToolListing {
  const { readOnly, idempotent, destructive = !readOnly, openWorld } = annotations;
  return {
    name,
    title,
    description,
    inputSchema,
    ...(outputSchema && { outputSchema }),
    annotations: {
      title,
      readOnlyHint: readOnly,
      destructiveHint: destructive,
      idempotentHint: idempotent,
      openWorldHint: openWorld,
    },
  };
}
