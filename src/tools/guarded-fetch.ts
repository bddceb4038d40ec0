import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, request } from 'undici';
import { counted } from './counted.ts';
import { Deadline } from './deadline.ts';
import type { EgressPolicy } from './egress-policy.ts';
import { MAX_INFORMATIONAL } from './informational.ts';
import { ACCEPTED_ENCODINGS, BodyTooLarge, isKnownCoding, readBody } from './read-body.ts';
import type { ResolveHost } from './resolve-host.ts';
import { failure, RESULT_KIND, type ToolFailure } from './result.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What is known of a response before its body. */
export interface ResponseHead {
  readonly status: number;
  readonly contentType: string | undefined;
}

/** A response, with the URL it came from after redirects. */
export interface FetchedDocument extends ResponseHead {
  readonly url: string;
  readonly body: Buffer;
}

/** What a fetch may reach, and what it may cost. */
export interface FetchOptions {
  readonly policy: EgressPolicy;
  readonly resolveHost: ResolveHost;
  /** Deadline from the first lookup to the last byte, redirects included. */
  readonly timeoutSeconds: number;
  /** The longest body, both as sent and after decompression. */
  readonly maxBytes: number;
  readonly maxRedirects: number;
  readonly signal: AbortSignal;
  /** Judges a response by its head: a reason to refuse it, which spares reading the body. */
  refuse?(head: ResponseHead): string | undefined;
}

/** Carries a failure through undici and node:net, which pass on errors only. */
class Refusal extends Error {
  override name = 'Refusal';
  readonly failure: ToolFailure;

  constructor(reason: string | ToolFailure) {
    const result = typeof reason === 'string' ? failure(reason) : reason;
    super(result.message);
    this.failure = result;
  }
}

const NOT_PERMITTED =
  'The URL leads to a host that is not on the public internet, which is not allowed. Private, loopback, ' +
  'link-local and reserved addresses and local names are refused.';

/** The URL a text stands for, if the policy allows going there. The URL parser has already normalised its host. */
function admit(text: string, base: URL | undefined, policy: EgressPolicy): URL {
  const url = URL.parse(text, base?.href);
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new Refusal('Only absolute http and https URLs can be fetched, and redirects must lead to such.');
  }
  if (url.username || url.password)
    throw new Refusal('URLs with a user name or password are refused. Remove them.');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const permitted = isIP(host) ? policy.permitsAddress(host) : policy.permitsName(host);
  if (!permitted) throw new Refusal(NOT_PERMITTED);
  return url;
}

/**
 * Resolves for the connection itself: what is checked is what is connected to, so an answer that changes between
 * check and use (DNS rebinding) gains nothing. One address that is not permitted spoils the whole answer.
 */
function guardedLookup({ policy, resolveHost }: FetchOptions, signal: AbortSignal): LookupFunction {
  return (hostname, { all }, callback) => {
    resolveHost(hostname, signal)
      .then((addresses) => {
        if (RESULT_KIND in addresses) throw new Refusal(addresses);
        const [first] = addresses;
        if (!first || !addresses.every(({ address }) => policy.permitsAddress(address))) {
          throw new Refusal(NOT_PERMITTED);
        }
        return { addresses: [...addresses], first };
      })
      .then(
        ({ addresses, first }) => {
          if (all) callback(null, addresses);
          else callback(null, first.address, first.family);
        },
        (error: unknown) => {
          callback(error as NodeJS.ErrnoException, '');
        },
      );
  };
}

/** What a site may send besides its body: heads, and as much again as the body for how that is cut into chunks. */
const MAX_HEAD_BYTES = 65_536;

/**
 * Connects to permitted addresses only, through no proxy. The signal ends the socket itself, because undici does
 * not abort a request that waits for its connection; and as a socket made with an aborted signal would connect
 * all the same, that is checked first. When a site sends more than any body and what belongs to it, the fetch ends.
 */
function guardedConnector(options: FetchOptions, deadline: Deadline): buildConnector.connector {
  const { signal } = deadline;
  const lookup = guardedLookup(options, signal);
  const connect = buildConnector({ lookup, signal, allowH2: false, timeout: 0 });
  const maxBytes = 2 * options.maxBytes + MAX_HEAD_BYTES;
  return (target, callback) => {
    if (signal.aborted) {
      callback(new Error('aborted before connecting'), null);
      return;
    }
    connect(target, (...[error, socket]) => {
      // Here, because undici does not tell of all that it reads, such as extensions of chunks.
      socket?.on('readable', () => {
        if (socket.bytesRead > maxBytes) deadline.end(new BodyTooLarge());
      });
      if (error) callback(error, null);
      else callback(null, socket);
    });
  };
}

const firstValue = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header);

/** One request on a connection of its own, which no check of its address outlives: the response, or where it redirects to. */
async function hop(
  url: URL,
  options: FetchOptions,
  deadline: Deadline,
): Promise<FetchedDocument | { readonly location: string }> {
  const { signal } = deadline;
  const agent = new Agent({ connect: guardedConnector(options, deadline) });
  let informational = 0;
  try {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      signal,
      onInfo() {
        informational += 1;
        if (informational > MAX_INFORMATIONAL)
          deadline.end(
            new Refusal(`The site sent more than ${MAX_INFORMATIONAL} informational answers and no other.`),
          );
      },
      headers: {
        'user-agent': 'nexus-mcp',
        accept: 'text/*, */*;q=0.5',
        'accept-encoding': ACCEPTED_ENCODINGS,
      },
    });
    const location = firstValue(headers['location']);
    if (REDIRECTS.has(statusCode) && location !== undefined) return { location };

    const head = { status: statusCode, contentType: firstValue(headers['content-type']) };
    const reason = options.refuse?.(head);
    if (reason !== undefined) throw new Refusal(reason);
    const coding = firstValue(headers['content-encoding'])?.trim().toLowerCase() ?? 'identity';
    if (coding !== 'identity' && !isKnownCoding(coding)) {
      throw new Refusal('The site sent a content encoding that was not asked for and cannot be decoded.');
    }
    if (Number(firstValue(headers['content-length'])) > options.maxBytes) throw new BodyTooLarge();
    const { maxBytes } = options;
    const bytes = await readBody(body, {
      coding: coding === 'identity' ? undefined : coding,
      maxBytes,
      signal,
    });
    return { ...head, url: url.href, body: bytes };
  } finally {
    await agent.destroy();
  }
}

/**
 * Fetches a URL with GET, following redirects, if the policy permits every host and address on the way. What the
 * other side does wrong is returned as a failure; throws the signal's reason when that aborts.
 */
export async function guardedFetch(
  text: string,
  options: FetchOptions,
): Promise<FetchedDocument | ToolFailure> {
  const deadline = new Deadline(options.signal, options.timeoutSeconds);
  const { signal } = deadline;
  try {
    let url = admit(text, undefined, options.policy);
    for (let redirects = 0; redirects <= options.maxRedirects; redirects++) {
      const answer = await hop(url, options, deadline);
      if ('body' in answer) return answer;
      url = admit(answer.location, url, options.policy);
    }
    return failure(
      `The URL redirects more than ${counted(options.maxRedirects, 'time')}, perhaps in a circle.`,
    );
  } catch (thrown) {
    options.signal.throwIfAborted();
    // What ended the work says more than what that threw then.
    const error: unknown = signal.aborted ? signal.reason : thrown;
    if (error instanceof Refusal) return error.failure;
    if (error instanceof BodyTooLarge) {
      return failure(`The response is larger than ${options.maxBytes} bytes, the most that is read.`);
    }
    if (deadline.passed)
      return failure(`The site did not answer in full within ${counted(options.timeoutSeconds, 'second')}.`);
    // Connection, TLS, HTTP syntax and decompression errors have codes; so do errors of the caller, as TypeErrors.
    if (error instanceof Error && 'code' in error && !(error instanceof TypeError)) {
      return failure(`The site could not be reached or broke off its answer (${String(error.code)}).`);
    }
    throw error;
  } finally {
    deadline.clear();
  }
}
