import { z } from 'zod';
import { nearNames } from './near-names.ts';
import { examine } from './offered-tool.ts';
import type { ToolAnnotations, ToolDefinition } from './tool.ts';

const schema = z.custom(
  (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
  'expected a schema',
);

const text = z.string().regex(/\S/, 'is empty');

const NEEDED = 'missing; needed are readOnly, idempotent and openWorld, each true or false';
const whenMissing = ({ input }: { readonly input?: unknown }): string | undefined =>
  input === undefined ? NEEDED : undefined;
const needed = z.boolean({ error: whenMissing });

const annotations = {
  readOnly: needed,
  idempotent: needed,
  destructive: z.boolean().optional(),
  openWorld: needed,
} satisfies Record<keyof ToolAnnotations, z.ZodType>;

const fields = {
  name: z.string(),
  title: text,
  description: text,
  input: schema,
  output: schema.optional(),
  annotations: z.strictObject(annotations, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? noSuchField(issue.keys, annotations) : whenMissing(issue),
  }),
  isolation: z.enum(['none', 'worker']).optional(),
  timeoutSeconds: z.number().positive().max(86_400).optional(),
  maxConcurrency: z.int().min(1).optional(),
  handler: z.custom((value) => typeof value === 'function', 'expected a function'),
} satisfies Record<keyof ToolDefinition, z.ZodType>;

/** What TypeScript would have said, for modules written in JavaScript. */
const shape = z.strictObject(fields, {
  error: (issue) => (issue.code === 'unrecognized_keys' ? noSuchField(issue.keys, fields) : undefined),
});

/** Which fields there are, and which may be meant: `timeoutSeconds` by `timeout` or a slip, `readOnly` by MCP's `readOnlyHint`. */
function noSuchField(keys: readonly string[], known: object): string {
  const names = Object.keys(known);
  const meant = names.filter((name) =>
    keys.some((key) => key.startsWith(name) || nearNames(key, [name]).length > 0),
  );
  const advice = meant.length === 0 ? '; the' : `; did you mean ${meant.join(', ')}? The`;
  return `there is no ${keys.join(', ')}${advice} fields are ${names.join(', ')}`;
}

/** What is wrong with the fields of a tool; of one that is well, its schemas are looked at when it is offered. */
export function problemsOfTool(tool: ToolDefinition): readonly string[] {
  const { error } = shape.safeParse(tool);
  if (!error) return [];
  const wrong = error.issues.map(({ path: [field] }) => field);
  const isReadable = !['name', 'input', 'output'].some((field) => wrong.includes(field));
  const name = String((tool as Partial<ToolDefinition>).name);
  return [
    ...error.issues.map(({ path, message }) => [...(path.length > 0 ? [path.join('.')] : []), message]),
    ...(isReadable ? examine(tool).problems : []).map((problem) => [problem]),
  ].map((parts) => [`tool ${name}`, ...parts].join(': '));
}
