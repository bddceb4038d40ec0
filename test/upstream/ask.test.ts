import { setImmediate as turn } from 'node:timers/promises';
import { Agent } from 'undici';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ask, type Response } from '../../src/upstream/ask.ts';
import { RawUpstream } from '../support/raw-upstream.ts';
import { waitFor } from '../support/wait.ts';

let upstream: RawUpstream;
let pool: Agent;
let url: string;

beforeEach(async () => {
  upstream = new RawUpstream();
  pool = new Agent({ connections: 1 });
  url = await upstream.listen();
});

afterEach(async () => {
  await pool.destroy();
  await upstream.close();
});

const get = (signal = new AbortController().signal): Promise<Response> =>
  ask(pool, { url, method: 'GET', headers: {}, body: null, signal });

it('a request that waits for a connection ends at once when it is given up, and is never sent', async () => {
  upstream.behaviour = { GET: (_message, response) => response.writeHead(200).write('x') };
  const first = await get();
  const stop = new AbortController();
  const second = get(stop.signal);
  const why = new Error('not wanted');
  stop.abort(why);
  await expect(second).rejects.toBe(why);
  first.body.destroy();
  expect((await get()).statusCode).toBe(200);
  expect(upstream.count('GET')).toBe(2);
});

it('a request that is given up before it is made is not made', async () => {
  const why = new Error('not wanted');
  await expect(get(AbortSignal.abort(why))).rejects.toBe(why);
  expect(await upstream.connections()).toBe(0);
});

it('an answer that breaks off is an error for who reads it, and for nobody else', async () => {
  upstream.behaviour = {
    GET: (_message, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('x', () => response.destroy());
    },
  };
  const read = await get();
  const unread = await get();
  await expect(read.body.toArray()).rejects.toThrow(/closed|terminated|aborted/);
  await waitFor(() => {
    expect(unread.body.destroyed).toBe(true);
  });
  await turn();
});

it('an answer that is read no further ends its connection', async () => {
  upstream.behaviour = { GET: (_message, response) => response.writeHead(200).write('x') };
  const { body } = await get();
  await body[Symbol.asyncIterator]().next();
  body.destroy();
  await waitFor(async () => {
    expect(await upstream.connections()).toBe(0);
  });
});
