import { quantile } from './statistics.ts';
import { fewMillis, moreMillis, type Row } from './table.ts';
import type { Way } from './ways.ts';

/** The tool of `v1-server.ts` whose progress says when it was sent. */
export const REPORTS = 'report';

const CALLS = 200;
const MAX_ADDED_MILLIS = 5;

/** How long after the upstream wrote it a client has the first progress of a call, while the call goes on. */
export async function firstProgress(ways: readonly Way[]): Promise<readonly Row[]> {
  const lanes = ways.map((): number[] => []);
  for (let call = 0; call < CALLS; call += 1)
    for (const [index, way] of ways.entries()) lanes[index]?.push(await underWay(way));
  const [direct = Number.NaN] = lanes.map((lane) => quantile(lane, 0.99));
  return ways.map(({ what, aims }, index) => {
    const p99 = quantile(lanes[index] ?? [], 0.99);
    return {
      what: `p99 from progress that the upstream sends to the client, ${what}`,
      ours: fewMillis(p99),
      ...(index > 0 && { reference: fewMillis(direct), ratio: moreMillis(p99 - direct) }),
      ...(aims && { aim: `≤ +${MAX_ADDED_MILLIS} ms`, met: p99 - direct <= MAX_ADDED_MILLIS }),
    };
  });
}

async function underWay({ url, request, prefix }: Way): Promise<number> {
  const tool = `${prefix}${REPORTS}`;
  const params = { name: tool, arguments: {}, _meta: { progressToken: 1 } };
  const response = await fetch(`${url}${request.path}`, {
    method: 'POST',
    headers: request.headers,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  });
  let text = '';
  let millis: number | undefined;
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const now = performance.timeOrigin + performance.now();
    text += part;
    const sent = /"message":"([\d.]+)"/.exec(text)?.[1];
    if (sent !== undefined) millis ??= now - Number(sent);
  }
  if (millis === undefined || !text.includes('"result"'))
    throw new Error(`${tool} was answered with ${text}`);
  return millis;
}
