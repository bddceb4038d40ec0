import autocannon from 'autocannon';
import type { Child } from './child.ts';
import type { CallRequest } from './requests.ts';
import { median, pairedRatio } from './statistics.ts';
import { times, type Row } from './table.ts';

/** A server and the request it is loaded with. */
export interface Contender {
  readonly server: Child;
  readonly request: CallRequest;
}

/** What a server did in one round. */
interface Sample {
  readonly callsPerSecond: number;
  /** Time of all its threads, a call. */
  readonly cpuMicros: number;
}

/** What a server did, round by round. */
export type Lane = { readonly [Measure in keyof Sample]: number[] };

export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
}

const CONNECTIONS = 16;
const WARM_UP_SECONDS = 2;

/**
 * Loads the contenders in turn, round by round, so that what slows the machine down slows all of them.
 * @returns each contender's lane
 */
export async function race<const All extends readonly Contender[]>(
  contenders: All,
  { rounds, seconds }: Rounds,
): Promise<{ -readonly [Index in keyof All]: Lane }> {
  for (const contender of contenders) await load(contender, WARM_UP_SECONDS);
  const lanes = contenders.map((): Lane => ({ callsPerSecond: [], cpuMicros: [] }));
  const field = contenders.map((contender, index) => ({ contender, lane: lanes[index] }));
  for (let round = 0; round < rounds; round += 1) {
    // There and back again: a machine that drifts in one direction favours nobody.
    for (const { contender, lane } of round % 2 === 0 ? field : field.toReversed()) {
      const sample = await load(contender, seconds);
      lane?.callsPerSecond.push(sample.callsPerSecond);
      lane?.cpuMicros.push(sample.cpuMicros);
    }
  }
  return lanes as { -readonly [Index in keyof All]: Lane };
}

async function load(contender: Contender, seconds: number): Promise<Sample> {
  const { server, request } = contender;
  const { path, headers, body, expected } = request;
  const cpuBefore = await server.ask('cpuMicros');
  const result = await autocannon({
    url: server.url + path,
    method: 'POST',
    headers,
    body,
    connections: CONNECTIONS,
    duration: seconds,
    sampleInt: 20,
    idReplacement: body.includes('[<id>]'),
    verifyBody: (answer) => answer.includes(expected),
  });
  const cpuMicros = (await server.ask('cpuMicros')) - cpuBefore;
  const { '2xx': calls, non2xx, errors, mismatches, duration } = result;
  if (non2xx + errors + mismatches > 0) {
    throw new Error(`${path}: ${JSON.stringify({ calls, non2xx, errors, mismatches })}`);
  }
  // A machine that is busy with something else may not get to a single answer in a short round.
  if (calls === 0) return load(contender, seconds);
  return { callsPerSecond: calls / duration, cpuMicros: cpuMicros / calls };
}

/**
 * Compares two lanes by the CPU time of a call. At full load that is what bounds the calls a second, and other
 * programs on the machine disturb it far less.
 * @param atLeast how many times faster ours should be, if there is an aim
 */
export function compare(what: string, ours: Lane, reference: Lane, atLeast?: number): Row {
  const ratio = pairedRatio(reference.cpuMicros, ours.cpuMicros);
  return {
    what,
    ours: describe(ours),
    reference: describe(reference),
    ratio: times(ratio),
    ...(atLeast !== undefined && { aim: `≥ ${times(atLeast)}`, met: ratio >= atLeast }),
  };
}

const describe = ({ callsPerSecond, cpuMicros }: Lane): string =>
  `${median(cpuMicros).toFixed(0)} µs, ${median(callsPerSecond).toFixed(0)}/s`;
