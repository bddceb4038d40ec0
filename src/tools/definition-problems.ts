import { z } from 'zod';
import { examine } from './offered-tool.ts';
import type { ToolDefinition } from './tool.ts';

const schema = z.custom(
  (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
  'expected a schema',
);

const text = z.string().regex(/\S/, 'is empty');

const NEEDED = 'missing; needed are readOnly, idempotent and openWorld, each true or false';
const whenMissing = ({ input }: { readonly input?: unknown }): string | undefined =>
  input === undefined ? NEEDED : undefined;
const needed = z.boolean({ error: whenMissing });

/** What TypeScript would have said, for modules written in JavaScript. */
const shape = z.strictObject({
  name: z.string(),
  title: text,
  description: text,
  input: schema,
  output: schema.optional(),
  annotations: z.strictObject(
    { readOnly: needed, idempotent: needed, destructive: z.boolean().optional(), openWorld: needed },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? withoutHint(issue.keys) : whenMissing(issue)) },
  ),
  isolation: z.enum(['none', 'worker']).optional(),
  timeoutSeconds: z.number().positive().max(86_400).optional(),
  maxConcurrency: z.int().min(1).optional(),
  handler: z.custom((value) => typeof value === 'function', 'expected a function'),
} satisfies Record<keyof ToolDefinition, z.ZodType>);

/** What to write for annotations that have the names of MCP. */
function withoutHint(keys: readonly string[]): string | undefined {
  const hints = keys.filter((key) => key.endsWith('Hint'));
  if (hints.length === 0) return undefined;
  const meant = hints.map((key) => key.slice(0, -'Hint'.length));
  return `there is no ${keys.join(', ')}; did you mean ${meant.join(', ')}?`;
}

/** What is wrong with the fields of a tool; of one that is well, its schemas are looked at when it is offered. */
export function problemsOfTool(tool: ToolDefinition): readonly string[] {
  const { error } = shape.safeParse(tool);
  if (!error) return [];
  const fields = error.issues.map(({ path: [field] }) => field);
  const isReadable = !['name', 'input', 'output'].some((field) => fields.includes(field));
  const name = String((tool as Partial<ToolDefinition>).name);
  return [
    ...error.issues.map(({ path, message }) => [...(path.length > 0 ? [path.join('.')] : []), message]),
    ...(isReadable ? examine(tool).problems : []).map((problem) => [problem]),
  ].map((parts) => [`tool ${name}`, ...parts].join(': '));
}
