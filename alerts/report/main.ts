/** Measures by simulation what the alerts detect, and prints it. `--write` updates DETECTION.md. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { provideImages } from '../../scripts/stand-in-images/provide.ts';
import { PROMETHEUS_IMAGE } from '../../test/integration/images.ts';
import { detect, FAULTS, RATES, type Detection } from './detection.ts';
import { document } from './document.ts';
import { engineVersion, inParallel } from './promtool.ts';
import { addUp, countInDays, countInMonth, type Count } from './quiet.ts';

const SEED = 'nexus-mcp';
const QUIET_DAYS = 30;
/** How many days one promtool plays. */
const DAYS_AT_ONCE = 10;
const DETECTION_FILE = fileURLToPath(new URL('../DETECTION.md', import.meta.url));

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
await provideImages([PROMETHEUS_IMAGE], (line) => process.stderr.write(`${line}\n`));
const startedAt = performance.now();

const counts: Count[] = [];
const detections: Detection[] = [];
const days = [...Array(QUIET_DAYS).keys()];

// The longest first, so that the processors finish together.
await inParallel([
  ...RATES.map((callsPerSecond) => async () => {
    const scenarios = FAULTS.map((fault) => ({ fault, callsPerSecond }));
    detections.push(...(await detect(scenarios, `${SEED}/${callsPerSecond}`)));
    progress(`faults at ${callsPerSecond} calls/s`);
  }),
  ...Array.from({ length: QUIET_DAYS / DAYS_AT_ONCE }, (_, part) => async () => {
    const some = days.slice(part * DAYS_AT_ONCE, (part + 1) * DAYS_AT_ONCE);
    counts.push(...(await countInDays(some, SEED)));
    progress(`${some.length} quiet days`);
  }),
  async () => {
    counts.push(...(await countInMonth(QUIET_DAYS, SEED)));
    progress('the quiet month');
  },
]);

const text = document({
  seed: SEED,
  engine: await engineVersion(),
  detections: FAULTS.flatMap((fault) =>
    detections
      .filter(({ scenario }) => scenario.fault === fault)
      .sort((a, b) => b.scenario.callsPerSecond - a.scenario.callsPerSecond),
  ),
  quietDays: QUIET_DAYS,
  counts: addUp(counts),
});
process.stdout.write(text);
if (values.write) writeFileSync(DETECTION_FILE, text);

function progress(what: string): void {
  process.stderr.write(`${what}: done after ${Math.round((performance.now() - startedAt) / 1000)} s\n`);
}
