import { Agent, type Dispatcher } from 'undici';
import { Link, type LinkOptions } from '../../src/upstream/link.ts';

/**
 * A connection to an upstream, as one that is looked after has it, and what it took for it.
 * @param options with how long it may take to connect
 */
export async function linkTo(
  url: string,
  {
    connections = 2,
    seconds = 3600,
    ...options
  }: { readonly connections?: number; readonly seconds?: number } & Partial<LinkOptions> = {},
  prior: 'legacy' | 'unknown' = 'legacy',
  signal?: AbortSignal,
) {
  const pools = [new Agent({ connections }), new Agent({ connections: 2 })] as const;
  const [pool, asidePool] = pools;
  const aside = { sent: 0 };
  const counting: Dispatcher = asidePool.compose((dispatch) => (request, handler) => {
    aside.sent += 1;
    return dispatch(request, handler);
  });
  const link = await Link.connect(
    {
      name: 'raw',
      url,
      headers: {},
      pool,
      asidePool: counting,
      answerSeconds: 3600,
      maxBytes: 4096,
      now: () => performance.now() / 1000,
      info: { name: 'test', version: '1' },
      listChanged: () => undefined,
      observe: () => undefined,
      ...options,
    },
    seconds,
    { ...(prior === 'legacy' && { prior: { kind: prior } }), ...(signal && { signal }) },
  );
  return {
    link,
    aside,
    call: (signal = new AbortController().signal): Promise<unknown> =>
      link.call(
        { params: { name: 'works' }, modernMeta: {}, traceId: undefined, inputSchema: { type: 'object' } },
        { notice: undefined },
        signal,
      ),
    close: async (): Promise<void> => {
      await link.close(0.1);
      await Promise.all(pools.map((each) => each.destroy()));
    },
  };
}
