/** A function without any server: each call of it is measured as one of a tool. */
import { createMonitoring } from 'nexus-mcp/monitoring';

const monitoring = createMonitoring({ runtime: false });

const parse = monitoring.tool('parse', (text: string): unknown => JSON.parse(text));

await parse('{"a": 1}');
await parse('not JSON').catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
});

process.stdout.write((await monitoring.metrics()).body);
