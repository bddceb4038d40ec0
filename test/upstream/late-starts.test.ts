import { expect, it } from 'vitest';
import { RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';
import { areUp, UNHURRIED } from './state-now.ts';

it('upstreams that start after the server, the last one first, are there without a restart', async () => {
  const [first, second] = [new RawUpstream(), new RawUpstream()];
  const both = { first, second };
  const urls = await Promise.all([first.listen(), second.listen()]);
  const ports = { first: first.port, second: second.port };
  await Promise.all([first.close(), second.close()]);
  const server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: Object.keys(both).map((name, index) => ({ name, url: urls[index], timeoutSeconds: 60 })),
    },
    undefined,
    UNHURRIED,
  );
  const inState = async (state: string): Promise<readonly unknown[]> =>
    (await server.scrape())
      .select('mcp_upstream_state', { state })
      .flatMap(({ labels, value }) => (value === 1 ? [labels['upstream']] : []))
      .sort();
  const listed = async (): Promise<readonly string[]> => {
    const { tools } = (await (await fetch(`${server.url}/tools`)).json()) as { tools: { name: string }[] };
    return tools.map(({ name }) => name).sort();
  };
  await waitFor(async () => {
    expect(await inState('down')).toEqual(['first', 'second']);
  });
  expect(await listed()).toEqual(['add']);
  const expected = ['add'];
  for (const name of ['second', 'first'] as const) {
    await both[name].listen(ports[name]);
    await areUp(server, name);
    expected.push(`${name}_works`);
    expect(await listed()).toEqual(expected.toSorted());
    expect((await server.execute(`${name}_works`)).body).toMatchObject({ status: 'success', result: 'done' });
  }
  expect(await server.stop()).toBe(true);
  await Promise.all([first.close(), second.close()]);
});
