import { lookup, type LookupAddress } from 'node:dns';
import { promisify } from 'node:util';
import { queryDns, type DnsOptions } from './dns-query.ts';
import { failure, unavailable, type ToolFailure } from './result.ts';

/** Finds every address of a host, or says why there is none. */
export type ResolveHost = (
  hostname: string,
  signal: AbortSignal,
) => Promise<readonly LookupAddress[] | ToolFailure>;

const NOT_FOUND = failure('The host name does not exist, or has no address. Check its spelling.');
const BROKEN_DOMAIN = failure('The DNS servers of this domain fail to answer.');
const noResolver = (cause: string): ToolFailure =>
  unavailable('The host name could not be looked up: DNS did not answer. Try again later.', cause);

/**
 * Resolves through DNS alone. Search domains and the hosts file play no part, so that a name cannot be completed
 * to one inside the cluster; and unlike the system's lookup, queries do not occupy the thread pool.
 */
export function resolveByDns(options: Omit<DnsOptions, 'signal'>): ResolveHost {
  return async (hostname, signal) => {
    const [v4, v6] = await Promise.all([
      queryDns(hostname, 'A', { ...options, signal }),
      queryDns(hostname, 'AAAA', { ...options, signal }),
    ]);
    const addresses = [
      ...('records' in v4 ? v4.records.map((address) => ({ address, family: 4 })) : []),
      ...('records' in v6 ? v6.records.map((address) => ({ address, family: 6 })) : []),
    ];
    if (addresses.length > 0) return addresses;
    for (const answer of [v4, v6]) if ('cause' in answer) return noResolver(answer.cause);
    const isBroken = [v4, v6].some((answer) => 'problem' in answer && answer.problem === 'broken_domain');
    return isBroken ? BROKEN_DOMAIN : NOT_FOUND;
  };
}

const systemLookup = promisify(lookup);

/** Resolves as every other program on this machine does, with hosts file and search domains. */
export const resolveBySystem: ResolveHost = async (hostname) => {
  try {
    return await systemLookup(hostname, { all: true });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTFOUND') return NOT_FOUND;
    if (code === 'EAI_AGAIN') return noResolver(`the lookup failed: ${code}`);
    throw error;
  }
};
