import { MIMEType } from 'node:util';
import { z } from 'zod';
import { counted } from '../../counted.ts';
import { anyNetwork, publicInternet } from '../../egress-policy.ts';
import { guardedFetch, type ResponseHead } from '../../guarded-fetch.ts';
import { resolveByDns, resolveBySystem } from '../../resolve-host.ts';
import { failure, RESULT_KIND } from '../../result.ts';
import { defineTool } from '../../tool.ts';
import { internet } from '../annotations.ts';
import { boundedResult, boundedText } from '../bounded-text.ts';
import type { NetworkOptions } from './options.ts';

/** Types outside text/ whose content is text nonetheless. */
const TEXT_TYPES =
  /^(?:text\/.+|application\/(?:json|json5|ndjson|x-ndjson|xml|xhtml\+xml|javascript|x-javascript|ecmascript|yaml|x-yaml|toml|graphql|sql|x-sh|.+\+(?:json|xml|yaml)))$|^.+\/.+\+(?:json|xml|yaml)$/;

function parseType(contentType: string): MIMEType | undefined {
  try {
    return new MIMEType(contentType);
  } catch {
    return undefined;
  }
}

/** Why a response is not worth reading, if so. A response without a type is judged by its bytes later. */
function refuse({ status, contentType }: ResponseHead): string | undefined {
  if (status >= 400) return `The site answered with HTTP status ${status}.`;
  if (contentType === undefined || TEXT_TYPES.test(parseType(contentType)?.essence ?? '')) return undefined;
  return 'The content is not text. Only text, HTML, JSON, XML and the like can be fetched.';
}

/** The bytes as text: by the declared charset with bad bytes replaced, or, without a type, as strict UTF-8. */
function decode(body: Buffer, contentType: string | undefined): string | undefined {
  try {
    if (contentType === undefined) return new TextDecoder('utf-8', { fatal: true }).decode(body);
    return new TextDecoder(parseType(contentType)?.params.get('charset') ?? 'utf-8').decode(body);
  } catch {
    return undefined;
  }
}

function truncate(text: string, maxCharacters: number): string {
  const end = text.slice(0, maxCharacters);
  return end.isWellFormed() ? end : end.slice(0, -1);
}

/** The tool `fetch_url_content`: reads the start of a text document on the web, by default the public one. */
export function fetchUrlContent(options: NetworkOptions) {
  const { allowPrivateAddresses, fetchTimeoutSeconds, fetchMaxBytes, fetchMaxRedirects } = options;
  const maxCharacters = options.fetchMaxCharacters ?? 4000;
  const resolveHost = allowPrivateAddresses
    ? resolveBySystem
    : resolveByDns({ timeoutSeconds: options.dnsTimeoutSeconds, servers: options.dnsServers });
  return defineTool({
    name: 'fetch_url_content',
    title: 'Fetch a web page',
    description:
      `Fetches an http or https URL${allowPrivateAddresses ? '' : ' on the public internet'} and returns the first ` +
      `${maxCharacters} characters of its text, with the final URL and status. Fails on HTTP status 400 or above, ` +
      `content that is not text, bodies over ${fetchMaxBytes} bytes, and after ${counted(fetchTimeoutSeconds, 'second')}.`,
    input: z.strictObject({
      url: boundedText('The absolute http or https URL, without user name and password.', 2048).min(1),
    }),
    output: z.strictObject({
      url: z.string().describe('The URL of the content, after redirects.'),
      status: z.int(),
      content_type: z.string().nullable().describe('As the site declared it; null when it did not.'),
      content: z.string(),
      truncated: z
        .boolean()
        .describe(`Whether the text goes on after the first ${maxCharacters} characters.`),
      bytes: z.int().describe('Length of the whole body after decompression.'),
    }),
    annotations: internet,
    // Longer than the fetch's own deadline, so that a slow site counts as the site's failure.
    timeoutSeconds: fetchTimeoutSeconds + 1,
    async handler({ url }, { signal }) {
      const fetched = await guardedFetch(url, {
        policy: allowPrivateAddresses ? anyNetwork : publicInternet,
        resolveHost,
        timeoutSeconds: fetchTimeoutSeconds,
        maxBytes: fetchMaxBytes,
        maxRedirects: fetchMaxRedirects,
        signal,
        refuse,
      });
      if (RESULT_KIND in fetched) return fetched;
      const text = decode(fetched.body, fetched.contentType);
      if (text === undefined)
        return failure('The content cannot be decoded: its charset is unknown, or it is not text.');
      const content = truncate(text, maxCharacters);
      return boundedResult({
        url: fetched.url,
        status: fetched.status,
        content_type: fetched.contentType ?? null,
        content,
        truncated: content.length < text.length,
        bytes: fetched.body.length,
      });
    },
  });
}
