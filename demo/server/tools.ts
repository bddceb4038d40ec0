/** Tools that fail now and then, each in its own way, so that the demonstration has something to show. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defineTool, unavailable, z } from 'nexus-mcp/tools';

const annotations = { readOnly: true, idempotent: false, openWorld: false };
const input = z.strictObject({});

export const weather = defineTool({
  name: 'demo_weather',
  title: 'Weather',
  description: 'The temperature outside, in degrees Celsius, from a station that cannot always be reached.',
  input,
  output: z.number(),
  annotations,
  async handler(_args, { signal }) {
    await sleep(20 + 200 * Math.random(), undefined, { signal });
    return Math.random() < 0.2 ? unavailable('The weather station cannot be reached.') : 21;
  },
});

export const translate = defineTool({
  name: 'demo_translate',
  title: 'Translation',
  description: 'A translation, by code with a bug.',
  input,
  output: z.string(),
  annotations,
  async handler(_args, { signal }) {
    await sleep(5 + 40 * Math.random(), undefined, { signal });
    if (Math.random() < 0.1) throw new TypeError('a bug, for the demonstration');
    return 'Guten Tag';
  },
});

export const search = defineTool({
  name: 'demo_search',
  title: 'Search',
  description: 'A search that does not always finish in time.',
  input,
  output: z.array(z.string()),
  annotations,
  timeoutSeconds: 1,
  async handler(_args, { signal }) {
    await sleep(Math.random() < 0.1 ? 5000 : 50 + 600 * Math.random(), undefined, { signal });
    return ['first', 'second'];
  },
});

export const slowReport = defineTool({
  name: 'demo_slow_report',
  title: 'Slow report',
  description: 'A report that takes two seconds; the server makes one at a time.',
  input,
  output: z.string(),
  annotations,
  async handler(_args, { signal }) {
    await sleep(2000, undefined, { signal });
    return 'a report';
  },
});
