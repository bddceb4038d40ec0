import type { Child } from './child.ts';
import { Load } from './load.ts';
import { CALLS_A_TURN } from './probes.ts';
import type { CallRequest } from './requests.ts';

/** A server and the request it is loaded with. */
export interface Contender {
  readonly server: Child;
  readonly request: CallRequest;
  /** Where the request is sent, if not to the first port of the server. */
  readonly url?: string | undefined;
}

/** The CPU time of a call in microseconds, of all threads of the server, round by round. */
export type Lane = readonly number[];

const WARM_UP_ROUNDS = 100;

/**
 * Loads the contenders in turn with as many calls each, in many short rounds: what slows the machine down for longer than
 * that slows all of them, and those of one round can be compared. It is their CPU time that is compared, and not how long they
 * took, because other programs disturb it far less; and they note it themselves, so that nothing comes between two turns.
 * @returns each contender's lane
 */
export async function race<const All extends readonly Contender[]>(
  contenders: All,
  rounds: number,
): Promise<{ -readonly [Index in keyof All]: Lane }> {
  const field = contenders.map(({ server, url = server.url, request }) => ({
    server,
    load: new Load(url, request),
    lane: [] as number[],
  }));
  for (const { load } of field) await load.open();
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1)
    for (const { load } of field) await load.run(CALLS_A_TURN);

  const servers = new Set(field.map(({ server }) => server));
  for (const server of servers) await server.ask('startNoting');
  // There and back again: a machine that drifts in one direction favours nobody.
  const turns = Array.from({ length: rounds }, (_each, round) =>
    round % 2 === 0 ? field : field.toReversed(),
  );
  for (const { load } of turns.flat()) await load.run(CALLS_A_TURN);
  for (const server of servers) {
    // Its last turn ends where another would begin.
    await field.find((each) => each.server === server)?.load.run(1);
    const notes = await server.ask('notes');
    const itsTurns = turns.flat().filter((each) => each.server === server);
    for (const [turn, { lane }] of itsTurns.entries())
      lane.push(((notes[turn + 1] ?? Number.NaN) - (notes[turn] ?? Number.NaN)) / CALLS_A_TURN);
  }
  for (const { load } of field) load.close();
  return field.map(({ lane }) => lane) as { -readonly [Index in keyof All]: Lane };
}
