import { UNKNOWN_TOOL } from './outcome.ts';
import { compileSchema, type CompiledSchema } from './schema.ts';
import type { Isolation, JsonSchema, ToolDefinition, Toolset } from './tool.ts';

/** A tool as MCP's tools/list and REST's GET /tools publish it. */
export interface ToolListing {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations: Readonly<Record<string, boolean | string>>;
}

/** A tool the server offers, its schemas compiled and its limits resolved. */
export interface RegisteredTool {
  readonly name: string;
  readonly toolset: string;
  readonly source: 'builtin' | 'module';
  readonly moduleUrl: string;
  readonly isolation: Isolation;
  readonly timeoutSeconds: number;
  readonly maxConcurrency: number;
  readonly input: CompiledSchema;
  readonly output?: CompiledSchema;
  readonly listing: ToolListing;
  readonly handler: ToolDefinition['handler'];
}

/** All tools of the server, in the order of their toolsets; it does not change after the start. */
export interface Registry {
  readonly tools: readonly RegisteredTool[];
  get(name: string): RegisteredTool | undefined;
}

/** What an operator may set for one tool, over what its author wrote. */
export interface ToolLimits {
  readonly timeoutSeconds?: number | undefined;
  readonly maxConcurrency?: number | undefined;
}

type Limits = Readonly<Record<keyof ToolLimits, number>>;

export type RegistryResult =
  | { readonly ok: true; readonly registry: Registry }
  | { readonly ok: false; readonly problems: readonly string[] };

// MCP 2025-11-25 and 2026-07-28, "Tool Names".
const TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/**
 * Registers toolsets, or returns every problem found in them, each with the module it is in.
 * @param defaults limits of a tool that states none
 * @param overrides limits by tool name, which win over the tool's own
 */
export function createRegistry(
  toolsets: readonly Toolset[],
  defaults: Limits,
  overrides: Readonly<Record<string, ToolLimits>> = {},
): RegistryResult {
  const byName = new Map<string, RegisteredTool>();
  const problems: string[] = [];
  for (const toolset of toolsets) {
    for (const tool of toolset.tools) {
      const twin = byName.get(tool.name);
      const found = twin ? [`its name is taken by toolset ${twin.toolset}`] : problemsOf(tool);
      problems.push(...found.map((problem) => `${toolset.moduleUrl}: tool ${tool.name}: ${problem}`));
      if (found.length > 0) continue;
      const override = Object.hasOwn(overrides, tool.name) ? overrides[tool.name] : undefined;
      const limits = {
        timeoutSeconds: override?.timeoutSeconds ?? tool.timeoutSeconds ?? defaults.timeoutSeconds,
        maxConcurrency: override?.maxConcurrency ?? tool.maxConcurrency ?? defaults.maxConcurrency,
      };
      byName.set(tool.name, register(tool, toolset, limits));
    }
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, registry: { tools: [...byName.values()], get: (name) => byName.get(name) } };
}

function problemsOf(tool: ToolDefinition): string[] {
  const problems: string[] = [];
  if (!TOOL_NAME.test(tool.name)) problems.push('its name must be 1 to 128 of A-Z a-z 0-9 _ . -');
  if (tool.name === UNKNOWN_TOOL)
    problems.push(`the name ${UNKNOWN_TOOL} is reserved for calls to unknown tools`);
  try {
    const { json } = compileSchema(tool.input, 'input');
    if (json['type'] !== 'object')
      problems.push('its input schema must have type "object", as z.strictObject({...}) gives');
    else if (!('additionalProperties' in json) && !('unevaluatedProperties' in json))
      problems.push(
        'its input schema does not say what happens to unknown fields: use z.strictObject to refuse them, ' +
          'z.looseObject to accept them',
      );
  } catch (error) {
    problems.push(`its input schema cannot be published: ${String(error)}`);
  }
  try {
    if (tool.output !== undefined) compileSchema(tool.output, 'output');
  } catch (error) {
    problems.push(`its output schema cannot be published: ${String(error)}`);
  }
  return problems;
}

function register(tool: ToolDefinition, toolset: Toolset, limits: Limits): RegisteredTool {
  const input = compileSchema(tool.input, 'input');
  const output = tool.output === undefined ? undefined : compileSchema(tool.output, 'output');
  const { readOnly, idempotent, destructive = !readOnly, openWorld } = tool.annotations;
  return {
    name: tool.name,
    toolset: toolset.name,
    source: toolset.source,
    moduleUrl: toolset.moduleUrl,
    isolation: tool.isolation ?? 'none',
    ...limits,
    input,
    ...(output && { output }),
    handler: (args, context) => tool.handler(args, context),
    listing: {
      name: tool.name,
      title: tool.title,
      description: tool.description,
      inputSchema: input.json,
      ...(output && { outputSchema: output.json }),
      annotations: {
        title: tool.title,
        readOnlyHint: readOnly,
        destructiveHint: destructive,
        idempotentHint: idempotent,
        openWorldHint: openWorld,
      },
    },
  };
}
