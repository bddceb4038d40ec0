import { Resolver } from 'node:dns/promises';
import { Deadline } from './deadline.ts';

const QUERIES = {
  A: (resolver: Resolver, name: string) => resolver.resolve4(name),
  AAAA: (resolver: Resolver, name: string) => resolver.resolve6(name),
  MX: async (resolver: Resolver, name: string) =>
    (await resolver.resolveMx(name))
      .toSorted((a, b) => a.priority - b.priority)
      // The root as the exchange means that the domain takes no mail (RFC 7505).
      .map(({ priority, exchange }) => `${priority} ${exchange || '.'}`),
  NS: (resolver: Resolver, name: string) => resolver.resolveNs(name),
  TXT: async (resolver: Resolver, name: string) =>
    (await resolver.resolveTxt(name)).map((strings) => strings.join('')),
};

/** The record types that can be asked for. */
export const RECORD_TYPES = [
  'A',
  'AAAA',
  'MX',
  'NS',
  'TXT',
] as const satisfies readonly (keyof typeof QUERIES)[];
/** One of the record types that can be asked for. */
export type RecordType = (typeof RECORD_TYPES)[number];

/** Whom a query asks, and for how long. */
export interface DnsOptions {
  /** Deadline of the whole query, retries included. */
  readonly timeoutSeconds: number;
  /** Resolvers as `address` or `address:port`; the system's when left out. */
  readonly servers?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/** What can be wrong with the name asked for. */
type NameProblem = 'no_such_name' | 'no_such_records' | 'bad_name' | 'broken_domain';

/** Records as text (MX as `priority exchange`), or why there are none. */
export type DnsAnswer =
  | { readonly records: readonly string[] }
  | { readonly problem: NameProblem }
  | { readonly problem: 'unavailable'; readonly cause: string };

/** c-ares' error codes (https://nodejs.org/api/dns.html#error-codes) that say something about the name. */
const PROBLEMS: Readonly<Record<string, NameProblem>> = {
  ENOTFOUND: 'no_such_name',
  ENODATA: 'no_such_records',
  EBADNAME: 'bad_name',
  // What resolvers answer when the domain's own servers fail, far more often than when they fail themselves.
  ESERVFAIL: 'broken_domain',
};
const RESOLVER_TROUBLE = new Set([
  'EFORMERR',
  'ENOTIMP',
  'EREFUSED',
  'EBADRESP',
  'ECONNREFUSED',
  'ETIMEOUT',
  'EOF',
  'ECANCELLED',
]);

/**
 * Asks DNS itself for a name as it is: no hosts file, no search domains. Ends when the deadline passes, and
 * throws the signal's reason when that aborts.
 */
export async function queryDns(hostname: string, type: RecordType, options: DnsOptions): Promise<DnsAnswer> {
  const { timeoutSeconds, servers, signal } = options;
  signal.throwIfAborted();
  // The second try waits twice as long as the first; together they fill the deadline.
  const resolver = new Resolver({ timeout: Math.ceil((timeoutSeconds * 1000) / 3), tries: 2 });
  if (servers) resolver.setServers(servers);
  const deadline = new Deadline(signal, timeoutSeconds);
  const cancel = () => {
    resolver.cancel();
  };
  deadline.signal.addEventListener('abort', cancel, { once: true });
  try {
    return { records: await QUERIES[type](resolver, hostname) };
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const problem = PROBLEMS[code];
    if (problem) return { problem };
    // The log gets the code alone: the message has the name, which is an argument.
    if (RESOLVER_TROUBLE.has(code)) return { problem: 'unavailable', cause: `the DNS query failed: ${code}` };
    throw error;
  } finally {
    deadline.clear();
    deadline.signal.removeEventListener('abort', cancel);
  }
}
