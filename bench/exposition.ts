import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { trustedCaller } from '../src/authorization/caller.ts';
import { expose } from '../src/monitoring/metrics/exposition.ts';
import { createMetrics } from '../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../src/monitoring/metrics/recorder.ts';
import { median, pairedRatio } from './statistics.ts';
import { kibibytes, millis, times, type Row } from './table.ts';

const TOOLS = 300;
const what = `text of a scrape of ${TOOLS} tools`;
const now = (): number => performance.now() / 1000;

/** What the text of a scrape costs, against what prom-client makes of the same registry in the same process. */
export async function exposition(quick: boolean): Promise<readonly Row[]> {
  // Without those of the process, which are prom-client's own in either case.
  const { metrics, registry } = createMetrics();
  const names = Array.from({ length: TOOLS }, (_each, index) => `times_${index}`);
  const recorder = new Recorder(metrics);
  for (const name of names) recorder.addTool({ name, toolset: 'bench', source: 'module', isolation: 'none' });
  for (const name of names) call(recorder, name);
  const before = liveBytes();
  const size = (await expose(registry, 'openmetrics', now)).length;
  const kept = liveBytes() - before;

  const rows: Row[] = [];
  for (const { moved, aim } of [
    { moved: 10, aim: 10 },
    { moved: TOOLS, aim: 3 },
  ]) {
    // Spread over all of them, as calls are.
    const movers = names.filter((_name, index) => index % (TOOLS / moved) === 0);
    const move = (): void => {
      for (const name of movers) call(recorder, name);
    };
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = -3; round < (quick ? 9 : 30); round += 1) {
      const our = await cpuMillis(move, () => expose(registry, 'openmetrics', now));
      const their = await cpuMillis(move, () => registry.metrics());
      // The first rounds warm up.
      if (round < 0) continue;
      ours.push(our);
      theirs.push(their);
    }
    const ratio = pairedRatio(theirs, ours);
    rows.push({
      what: `${what}, ${moved === TOOLS ? 'all' : moved} of them called since the last: CPU time, against prom-client's`,
      ours: millis(median(ours)),
      reference: millis(median(theirs)),
      ratio: times(ratio.median),
      interval: `${times(ratio.low)} to ${times(ratio.high)}`,
      aim: `≥ ${times(aim)}`,
      met: ratio.median >= aim,
    });
  }
  rows.push({
    what: `${what}: memory of the text that is kept, against its size`,
    ours: kibibytes(kept),
    reference: kibibytes(size),
  });
  return rows;
}

/** What is recorded of a call. */
function call(recorder: Recorder, tool: string): void {
  recorder.started(tool, 0);
  recorder.request('tools/call', '2026-07-28', 'http');
  recorder.finished({
    status: 'success',
    result: { content: [] },
    tool,
    call: {
      name: tool,
      arguments: {},
      caller: trustedCaller('bench'),
      entrance: 'mcp',
      requestId: '1',
      signal: new AbortController().signal,
      canElicit: false,
    },
    endedAt: 0,
    totalSeconds: 0.001,
    runSeconds: 0.001,
    resultBytes: 100,
  });
  recorder.operation({
    method: 'tools/call',
    protocolVersion: '2026-07-28',
    transport: 'http',
    tool,
    isError: false,
    seconds: 0.001,
  });
}

/** CPU time of a scrape: the median of a few, so that what collects the garbage of another kind of scrape is not counted in. */
async function cpuMillis(move: () => void, scrape: () => Promise<unknown>): Promise<number> {
  const all: number[] = [];
  for (let each = 0; each < 5; each += 1) {
    move();
    const before = process.cpuUsage();
    await scrape();
    const { user, system } = process.cpuUsage(before);
    all.push((user + system) / 1000);
  }
  return median(all);
}

/** Bytes of this process that survive a garbage collection. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
