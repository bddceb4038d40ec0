import { Load } from './load.ts';
import type { CallRequest } from './requests.ts';

/** Has each way its turn in each round, there and back again; returns what each wrote into its lane. */
export async function inTurns(
  ways: readonly { readonly url: string; readonly request: CallRequest }[],
  { connections, rounds, warmUp }: { connections: number; rounds: number; warmUp: number },
  turn: (load: Load, lane: number[]) => Promise<void>,
): Promise<readonly (readonly number[])[]> {
  const field = ways.map(({ url, request }) => ({
    load: new Load(url, request, connections),
    lane: [] as number[],
  }));
  for (const { load } of field) await load.open();
  for (let round = 0; round < warmUp; round += 1) for (const { load } of field) await turn(load, []);
  for (let round = 0; round < rounds; round += 1)
    for (const { load, lane } of round % 2 === 0 ? field : field.toReversed()) await turn(load, lane);
  for (const { load } of field) load.close();
  return field.map(({ lane }) => lane);
}

/** How long something takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
