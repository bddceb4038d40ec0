import { z } from 'zod';
import { ALGORITHMS, isSame, isScope } from '../authorization/oauth.ts';
import { isLoopback } from '../http/host-names.ts';
import { secrets } from './setting-kinds.ts';

/** A token that fits into an Authorization header (RFC 6750, section 2.1) and is too long to be guessed. */
export const bearerToken = z
  .string()
  .min(16)
  .regex(/^[\w.~+/-]+=*$/, {
    error: ({ input }) =>
      String(input).includes('\n')
        ? 'must be one line, without a line break at its end; a list of tokens belongs in auth.tokensFile (in the chart auth.tokensSecret)'
        : 'may have letters, digits and -._~+/ only, then any number of =',
  });

/** Most issuers: each is asked for its keys, and has series of its own. */
const MAX_ISSUERS = 8;

/** Most scopes, or groups, of an issuer. */
const MAX_GRANTS = 256;

/** Why a text is no URL to get keys from, or to be known by, if it is none. */
function problemOfUrl(text: string): string | undefined {
  const url = URL.parse(text);
  const isSecure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!url || !isSecure) return 'must be an https URL; http is for localhost alone';
  if (url.username || url.password) return 'must have no user name or password';
  if (url.hash || text.endsWith('#')) return 'must have no fragment';
  if (/[*]|\.$/.test(url.hostname)) return 'must have the name of one host, without a dot at its end';
  return undefined;
}

const url = z
  .string()
  .max(256)
  .superRefine((text, context) => {
    const problem = problemOfUrl(text);
    if (problem !== undefined) context.addIssue(problem);
  });

/** Names of tools and toolsets, by scope or group. */
const grants = z
  .record(z.string().min(1).max(128), z.array(z.string().min(1)))
  .refine((all) => Object.keys(all).length <= MAX_GRANTS, `has more than ${MAX_GRANTS} entries`);

const scopeGrants = grants.refine(
  (all) => Object.keys(all).every(isScope),
  'a scope has no spaces and no quotes',
);

const issuer = z
  .strictObject({
    issuer: url,
    audiences: z.array(z.string().min(1)).min(1).optional(),
    jwksUri: url.optional(),
    idTokens: z.boolean().default(false),
    algorithms: z
      .array(z.enum(ALGORITHMS))
      .min(1)
      .default([...ALGORITHMS]),
    scopes: scopeGrants.optional(),
    scopesClaim: z.string().min(1).optional(),
    groups: grants.optional(),
    groupsClaim: z.string().min(1).default('groups'),
  })
  .refine(({ idTokens, audiences }) => !idTokens || audiences !== undefined, {
    path: ['idTokens'],
    message: 'needs audiences: an ID token is for a client, whose id is its audience',
  });

/** Settings of authentication. */
export const authSettings = z
  .strictObject({
    token: bearerToken
      .optional()
      .register(secrets, { secret: true })
      .describe('One bearer token that may use all tools'),
    tokensFile: z
      .string()
      .optional()
      .describe(
        'YAML file with a list of tokens: {name, token, tools?}, where tools names tools and toolsets. It is read again when it changes. Authentication is on if this is set',
      ),
    resource: url
      .refine((text) => !text.includes('?'), 'must have no query')
      .optional()
      .describe(
        'URL of /mcp as clients know it, for OAuth: the audience that access tokens must have. Its host is allowed, as those of server.allowedHosts are. Needs auth.issuers',
      ),
    issuers: z
      .array(issuer)
      .max(MAX_ISSUERS)
      .superRefine((list, context) => {
        for (const [index, each] of list.entries())
          if (list.findIndex((other) => isSame(other.issuer, each.issuer)) < index)
            context.addIssue({
              code: 'custom',
              path: [index, 'issuer'],
              message: 'is that of another issuer, too',
            });
      })
      .default([])
      .describe(
        'OAuth authorization servers whose JWT access tokens are accepted: a list of {issuer, audiences?, jwksUri?, idTokens?, algorithms?, scopes?, scopesClaim?, groups?, groupsClaim?}, at most 8. scopes and groups list the tools and toolsets of each scope or group. Authentication is on if this is set. Needs auth.resource',
      ),
    keysKeptSeconds: z
      .number()
      .min(14_400)
      .max(604_800)
      .default(86_400)
      .describe(
        'How long the keys of an issuer are used while it does not answer; the server asks for them every 10 minutes',
      ),
  })
  .prefault({});
