import { z } from 'zod';
import { defineTool } from '../../tool.ts';
import { pure } from '../annotations.ts';
import { boundedText } from '../bounded-text.ts';

const MAX_URL_CHARACTERS = 8192;

/** What the URL parser forgives and a validator should not: spaces, controls, backslashes, missing slashes. */
const STRICT_START = /^https?:\/\/[^/?#]/i;
const HOST = /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)/i;
/** Four times what a name may have (RFC 1035), for letters that are written encoded: to read more takes quadratic time. */
const MAX_HOST_CHARACTERS = 1024;
const FORGIVEN = /[\s\\\u0000-\u001f\u007f]/;

const verdict = z.strictObject({
  valid: z.boolean(),
  reason: z.string().optional().describe('Why it is not valid.'),
  scheme: z.enum(['http', 'https']).optional(),
  host: z
    .string()
    .optional()
    .describe('The host in lower case, international names in ASCII, IPv6 in brackets.'),
  port: z.int().nullable().optional().describe('The port; null for the default port of the scheme.'),
  path: z.string().optional(),
  query: z.string().optional().describe('The query without the "?"; empty when there is none.'),
  fragment: z.string().optional().describe('The fragment without the "#"; empty when there is none.'),
  has_credentials: z.boolean().optional().describe('Whether it carries a user name or password.'),
});

/** The tool `validate_url`: says whether a text is an absolute web URL, and what its parts are. */
export const validateUrl = defineTool({
  name: 'validate_url',
  title: 'Validate a URL',
  description:
    'Says whether a text is an absolute http or https URL, without contacting it, and if so its scheme, host, port, ' +
    'path, query and fragment as the URL standard normalises them; if not, why.',
  input: z.strictObject({ url: boundedText('The text to check.', MAX_URL_CHARACTERS) }),
  output: verdict,
  annotations: pure,
  handler({ url: text }): z.infer<typeof verdict> {
    if (FORGIVEN.test(text)) {
      return { valid: false, reason: 'It contains white space, control characters or backslashes.' };
    }
    if (!STRICT_START.test(text)) {
      return { valid: false, reason: 'It does not start with http:// or https:// and a host.' };
    }
    if ((HOST.exec(text)?.[1]?.length ?? 0) > MAX_HOST_CHARACTERS) {
      return { valid: false, reason: 'Its host is longer than a name can be.' };
    }
    const url = URL.parse(text);
    if (!url) return { valid: false, reason: 'Its host or port is not valid.' };
    return {
      valid: true,
      scheme: url.protocol === 'https:' ? 'https' : 'http',
      host: url.hostname,
      port: url.port === '' ? null : Number(url.port),
      path: url.pathname,
      query: url.search.slice(1),
      fragment: url.hash.slice(1),
      has_credentials: url.username !== '' || url.password !== '',
    };
  },
});
