import { z } from 'zod';
import { count, seconds } from './setting-kinds.ts';

/** Most upstreams: each has connections, and series of its own. */
const MAX_UPSTREAMS = 64;

/** As the name of a Service in Kubernetes; it becomes a label value and a toolset. */
export const upstreamName = z
  .string()
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and -, as a DNS label');

/** Why a text is no address of an upstream, if it is none. The text is not quoted: it may hold a secret. */
function problemOfUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol)) return 'must be an http or https URL';
  if (url.username || url.password) return 'must have no user name or password; use tokenFile or headersFile';
  if (url.hash || text.endsWith('#')) return 'must have no fragment';
  return undefined;
}

const url = z.string().superRefine((text, context) => {
  const problem = problemOfUrl(text);
  if (problem !== undefined) context.addIssue(problem);
});

/** What the names of its tools begin with. */
export const upstreamPrefix = z
  .string()
  .max(48)
  .regex(/^[A-Za-z0-9_-]*$/, 'may have letters, digits, _ and - only');

const upstream = z.strictObject({
  name: upstreamName,
  url,
  prefix: upstreamPrefix.optional(),
  tokenFile: z.string().min(1).optional(),
  headersFile: z.string().min(1).optional(),
  caFile: z.string().min(1).optional(),
  tools: z
    .strictObject({
      include: z.array(z.string().min(1)).default(['*']),
      exclude: z.array(z.string().min(1)).default([]),
    })
    .prefault({}),
  timeoutSeconds: seconds.optional(),
  maxConcurrency: count.optional(),
  trustReasons: z.boolean().default(false),
});

/** Other MCP servers whose tools are offered here. */
export const upstreamSettings = z
  .array(upstream)
  .max(MAX_UPSTREAMS)
  .superRefine((list, context) => {
    for (const [index, each] of list.entries())
      if (list.findIndex((other) => other.name === each.name) < index)
        context.addIssue({
          code: 'custom',
          path: [index, 'name'],
          message: `${each.name} is the name of another upstream, too`,
        });
  })
  .default([])
  .describe(
    'Other MCP servers whose tools are offered here: a list of {name, url, prefix?, tokenFile?, headersFile?, caFile?, tools?: {include?, exclude?}, timeoutSeconds?, maxConcurrency?, trustReasons?}, at most 64',
  );

/** An upstream, as the settings name it. */
export type UpstreamSettings = z.infer<typeof upstreamSettings>[number];
