import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { UNKNOWN_TOOL } from '../../src/tools/reasons.ts';
import { on, server, tool } from '../alerts/server.ts';
import { startTestServer } from '../support/test-server.ts';

/** `up` and the like are Prometheus' own; of the build, whose labels say what is running, no more than the name is read. */
const without = ['up', 'scrape_samples_scraped', 'scrape_samples_post_metric_relabeling', 'mcp_build_info'];

it('the series that the tests of the alerts play are series that a server has', async () => {
  const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
  writeFileSync(tokensFile, '- {name: ci, token: the-only-token-that-is-right}\n');
  const real = await startTestServer({ auth: { tokensFile } });
  const samples = await real.scrape();
  await real.stop();
  const ofTarget = Object.keys(on('a'));
  const played = server({ tools: [tool('echo'), tool(UNKNOWN_TOOL)], without }).map(({ name, labels }) => ({
    name,
    labels: Object.fromEntries(Object.entries(labels).filter(([label]) => !ofTarget.includes(label))),
  }));
  expect(played.length).toBeGreaterThan(40);
  const missing = played.filter(
    ({ name, labels }) => !samples.select(name).some((sample) => isDeepStrictEqual(sample.labels, labels)),
  );
  expect(missing).toEqual([]);
});
