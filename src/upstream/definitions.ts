import { createHash } from 'node:crypto';
import { specTypeSchemas, type Tool } from '@modelcontextprotocol/client';
import type { ToolListing } from '../tools/offered-tool.ts';
import { NONE_DROPPED, type DropReason, type Dropped } from './labels.ts';
import { isTooDeep } from './nesting.ts';
import { offeredName } from './tool-names.ts';

/** The largest definition of one tool, in characters of JSON; all of an upstream together are bounded as they are read. */
const MAX_DEFINITION = 65_536;

/** A tool of an upstream that may be offered. */
export interface Definition {
  /** As the upstream calls it. */
  readonly ownName: string;
  /** As it is offered, under the name that clients call it by. */
  readonly listing: ToolListing;
  readonly inputSchema: Tool['inputSchema'];
  /** The same for the same definition. */
  readonly digest: string;
  /** The same as long as models are told the same of it: what it is for, what it takes and gives, and what it does. */
  readonly meaning: string;
}

/** What an upstream lists, and what can be made of it. */
export interface Listed {
  readonly definitions: readonly Definition[];
  readonly dropped: Dropped;
  /** The upstream's names of those of them that should have been offered, as far as they have one. */
  readonly leftOut: readonly string[];
  /** How many tools it lists: as many as definitions and dropped ones. */
  readonly tools: number;
  /** The upstream's names of all of them, as far as they have one. */
  readonly names: ReadonlySet<string>;
}

export interface ReadOptions {
  readonly prefix: string;
  /** Names as the upstream has them, or `*`. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/**
 * Reads what an upstream lists.
 * @param before what was read of its last list: definitions that are the same are taken over, which costs little
 */
export function readDefinitions(
  tools: readonly unknown[],
  options: ReadOptions,
  before: readonly Definition[] = [],
): Listed {
  const known = new Map(before.map((definition) => [definition.digest, definition]));
  const dropped: Record<DropReason, number> = { ...NONE_DROPPED };
  const definitions: Definition[] = [];
  const leftOut: string[] = [];
  const names = new Set<string>();
  for (const tool of tools) {
    const { name } = Object(tool) as { readonly name?: unknown };
    if (typeof name === 'string') names.add(name);
    const read = readDefinition(tool, options, known);
    if (typeof read !== 'string') definitions.push(read);
    else {
      dropped[read] += 1;
      if (read === 'schema') leftOut.push(String(name));
    }
  }
  return { definitions, dropped, leftOut, tools: tools.length, names };
}

/** Whether the settings leave a tool in. */
export function isWanted(
  ownName: string,
  { include, exclude }: Pick<ReadOptions, 'include' | 'exclude'>,
): boolean {
  const isIn = (names: readonly string[]): boolean => names.includes('*') || names.includes(ownName);
  return isIn(include) && !isIn(exclude);
}

function readDefinition(
  tool: unknown,
  options: ReadOptions,
  known: ReadonlyMap<string, Definition>,
): DropReason | Definition {
  const given = (typeof tool === 'object' && tool !== null ? tool : {}) as Readonly<Record<string, unknown>>;
  const name = offeredName(options.prefix, given['name']);
  if (name === undefined) return 'name';
  const ownName = String(given['name']);
  if (!isWanted(ownName, options)) return 'excluded';
  if (isTooDeep(given)) return 'schema';
  const json = JSON.stringify(given);
  if (json.length > MAX_DEFINITION) return 'schema';
  const digest = digestOf(json);
  const same = known.get(digest);
  if (same) return same;
  const checked = specTypeSchemas.Tool['~standard'].validate(given);
  if (checked instanceof Promise || checked.issues) return 'schema';
  const { outputSchema } = given;
  const inputSchema = forAllClients(given['inputSchema'] as Tool['inputSchema']);
  const shown = outputSchema === undefined ? undefined : forAllClients(outputSchema as object);
  if (!inputSchema || (outputSchema !== undefined && !shown)) return 'schema';
  const listed = { ...given, inputSchema, ...(shown && { outputSchema: shown }) } as unknown as Tool;
  return {
    ownName,
    listing: listingOf(name, listed),
    inputSchema,
    digest,
    meaning: digestOf(
      JSON.stringify(
        ['title', 'description', 'inputSchema', 'outputSchema', 'annotations'].map(
          (field) => given[field] ?? null,
        ),
        inOrder,
      ),
    ),
  };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Has the fields of objects written in one order: some servers have another each time. */
const inOrder = (_key: string, value: unknown): unknown =>
  isMapping(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;

/**
 * A schema as clients of the 2025 era take it, who refuse a whole list for one that they do not; `undefined` where there is none.
 * They know no `true` and `false` among the properties, which say that anything may be there, or nothing.
 */
function forAllClients<Schema extends object>(schema: Schema): Schema | undefined {
  const { properties, required } = schema as { readonly properties?: unknown; readonly required?: unknown };
  if (
    required !== undefined &&
    !(Array.isArray(required) && required.every((name) => typeof name === 'string'))
  )
    return undefined;
  if (properties === undefined) return schema;
  if (!isMapping(properties)) return undefined;
  const all = Object.entries(properties).map(([name, each]) => {
    if (typeof each !== 'boolean') return [name, each] as const;
    return [name, each ? {} : { not: {} }] as const;
  });
  if (!all.every(([, each]) => isMapping(each))) return undefined;
  return { ...schema, properties: Object.fromEntries(all) };
}

const isMapping = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As clients get it. What it says of tasks is left out, which are not relayed here. */
function listingOf(name: string, tool: Tool): ToolListing {
  const { title, description = '', inputSchema, outputSchema, annotations = {}, icons, _meta } = tool;
  return {
    name,
    title: title ?? annotations.title ?? tool.name,
    description,
    inputSchema,
    ...(outputSchema && { outputSchema }),
    annotations: annotations as ToolListing['annotations'],
    ...(icons && { icons }),
    ...(_meta && { _meta: withoutReserved(_meta) }),
  };
}

/** What is MCP's own to say, of a connection that is not this one. */
const RESERVED = 'io.modelcontextprotocol/';

export const withoutReserved = (meta: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(meta).filter(([key]) => !key.startsWith(RESERVED)));
