/** A tool that asks a service on the network. */
import { defineTool, failure, unavailable, z } from 'nexus-mcp/tools';

export const temperature = defineTool({
  name: 'temperature',
  title: 'Temperature',
  description: 'The temperature at a weather station now, in degrees Celsius.',
  input: z.strictObject({ station: z.string().max(40).describe('The code of the station, such as EDDB.') }),
  output: z.number(),
  annotations: { readOnly: true, idempotent: true, openWorld: true },
  timeoutSeconds: 5,
  async handler({ station }, { signal }) {
    const url = `https://weather.example.com/${encodeURIComponent(station)}`;
    try {
      const response = await fetch(url, { signal });
      if (response.status === 404) return failure(`There is no station ${station}.`);
      if (!response.ok) return unavailable('The weather service fails.');
      return ((await response.json()) as { celsius: number }).celsius;
    } catch {
      // It cannot be reached, or the connection broke before the answer was whole.
      return unavailable('The weather service does not answer.');
    }
  },
});
