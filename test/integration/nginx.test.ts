import { afterAll, beforeAll, expect, it } from 'vitest';
import { Wait, type StartedTestContainer } from 'testcontainers';
import { connectClient, ERAS } from '../support/clients.ts';
import { TestContainer } from './harness/container.ts';
import { startProcess, type Replica } from './harness.ts';
import { NGINX_IMAGE } from './images.ts';
import { execute } from './traffic.ts';

/**
 * Everything as nginx has it when nothing is said, buffering and HTTP versions included, but for the time: it waits for 6 s
 * in place of 60, and the server speaks twice a second.
 */
const configuration = (target: string): string => `
events {}
http {
  server {
    listen 80;
    location / {
      proxy_pass http://${target};
      proxy_read_timeout 6s;
    }
  }
}
`;
const LONG_MS = 9000;
const PORT = 80;

let replica: Replica;
let nginx: StartedTestContainer;
let url: string;
beforeAll(async () => {
  replica = await startProcess({
    args: ['--server.streamKeepAliveSeconds', '0.5', '--tools.settings', '{slow: {timeoutSeconds: 60}}'],
  });
  nginx = await new TestContainer(NGINX_IMAGE)
    .withCopyContentToContainer([{ content: configuration(replica.target), target: '/etc/nginx/nginx.conf' }])
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp('/livez', PORT, { abortOnContainerExit: true }))
    .start();
  url = `http://${nginx.getHost()}:${nginx.getMappedPort(PORT)}`;
});
afterAll(() => Promise.all([nginx.stop(), replica.stop()]));

it.concurrent.each(ERAS)(
  'nginx does not cut a call of %s that takes longer than nginx waits',
  async (era) => {
    const { client } = await connectClient(url, era);
    const { content } = await client.callTool({ name: 'slow', arguments: { milliseconds: LONG_MS } });
    expect(content).toEqual([{ type: 'text', text: 'done' }]);
    await client.close();
  },
);

it.concurrent('nginx cuts a call over REST, which has one answer, unless it is told to wait', async () => {
  expect(await execute(url, 'slow', { milliseconds: LONG_MS })).toBe(504);
});
