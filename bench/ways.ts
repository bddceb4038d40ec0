import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child.ts';
import { legacyCall, openSession, type CallRequest } from './requests.ts';

/** The name of the upstream whose tools are called. */
export const NAME = 'up';

/** A way to the tools of an upstream. */
export interface Way {
  readonly what: string;
  readonly url: string;
  /** A call of `add`, in a session. */
  readonly request: CallRequest;
  /** What precedes the names of the upstream's tools. */
  readonly prefix: string;
  /** Of those of ours. */
  readonly aims?: { readonly addedMillis: number; readonly throughput: number };
}

const CATALOGUE = { prefix: `${NAME}_`, aims: { addedMillis: 0.8, throughput: 1 / 3 } };

interface Servers {
  readonly upstream: Child;
  readonly bare: Child;
  readonly ours: Child;
  readonly ofFive: Child;
}

/** The ways to the upstream; the direct one is the first. */
export async function waysTo({ upstream, bare, ours, ofFive }: Servers): Promise<readonly Way[]> {
  await Promise.all([untilListed(ours), untilListed(ofFive)]);
  const way = async ({ url }: Child, prefix = '', base = ''): Promise<Omit<Way, 'what'>> => {
    const session = await openSession({ url: url + base });
    return { url, prefix, request: { ...legacyCall(session, `${prefix}add`), path: `${base}/mcp` } };
  };
  return [
    { what: 'direct', ...(await way(upstream)) },
    { what: 'a bare pass-through in Node', ...(await way(bare)) },
    {
      what: 'the relay',
      ...(await way(ours, '', `/servers/${NAME}`)),
      aims: { addedMillis: 0.5, throughput: 1 / 2 },
    },
    { what: 'the catalogue', ...(await way(ours, CATALOGUE.prefix)), ...CATALOGUE },
    { what: 'the catalogue of five upstreams', ...(await way(ofFive, CATALOGUE.prefix)), ...CATALOGUE },
  ];
}

/** Waits until our server has the upstream's tools. */
async function untilListed({ url }: Child): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/tools/${NAME}_add`);
    await response.text();
    if (response.ok) return;
    await sleep(50);
  }
}
