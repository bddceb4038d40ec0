import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { CallAnswer } from '../../src/mcp/call-answer.ts';
import { SharedDelay, type Delayed } from '../../src/mcp/shared-delay.ts';

class Watched extends SharedDelay {
  readonly waiting = new Set<Delayed>();

  override begin(delayed: Delayed): void {
    this.waiting.add(delayed);
    super.begin(delayed);
  }

  override end(delayed: Delayed): void {
    this.waiting.delete(delayed);
    super.end(delayed);
  }
}

it.each([0, 2])('an answer that ends after %d notices waits for nothing any more', async (notices) => {
  const keepAlive = new Watched(60, () => performance.now() / 1000);
  const server = createServer((_request, response) => {
    const answer = new CallAnswer(response, { mayStream: true, keepAlive });
    expect(keepAlive.waiting.size).toBe(1);
    for (let said = 0; said < notices; said += 1) answer.tell({ method: 'notifications/message' });
    answer.end({ id: 1, result: {} });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await response.text()).toContain('"result"');
  expect(keepAlive.waiting.size).toBe(0);
  server.close();
});
