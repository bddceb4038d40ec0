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
    let body: unknown;
    // Nothing else is tried, so that a bug of this handler does not pass for an outage of the service.
    try {
      const response = await fetch(url, { signal });
      if (response.status === 404) return failure(`There is no station ${station}.`);
      if (!response.ok) return unavailable(`The weather service fails with status ${response.status}.`);
      body = await response.json();
    } catch (error) {
      return unavailable('The weather service does not answer.', error);
    }
    return (body as { celsius: number }).celsius;
  },
});
