import type { Dispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { trustedCaller } from '../../src/authorization/caller.ts';
import type { Catalogue } from '../../src/tools/catalogue.ts';
import { RelayedSessions } from '../../src/upstream/relay/sessions.ts';
import type { Upstreams } from '../../src/upstream/upstreams.ts';
import { loneUpstreams, serveRelay, specOf } from '../support/lone-upstreams.ts';
import { answer, RawUpstream } from '../support/raw-upstream.ts';
import { call as callOfTool, post } from '../support/raw-session.ts';
import { relayTo } from '../support/silent-relay.ts';
import { relayEnvironment } from '../support/relay-environment.ts';
import { waitFor } from '../support/wait.ts';
import { UNHURRIED } from './state-now.ts';

const DONE = { content: [{ type: 'text', text: 'done' }] };

let upstream: RawUpstream;
let url: string;
let catalogue: Catalogue;
let upstreams: Upstreams;
let run: ReturnType<typeof loneUpstreams>['run'];
let series: ReturnType<typeof loneUpstreams>['series'];
/** Lets the call in flight be answered. */
let release: () => void;

beforeEach(async () => {
  upstream = new RawUpstream();
  url = await upstream.listen();
  upstream.behaviour = {
    'tools/call': (message, response) => {
      release = () => answer(response, message, DONE);
    },
  };
  ({ catalogue, upstreams, run, series } = loneUpstreams(UNHURRIED));
  upstreams.want([specOf(url)]);
  await waitFor(() => {
    expect(catalogue.get('works')).toBeDefined();
  });
});

afterEach(async () => {
  await upstreams.stop();
  upstreams.want([]);
  await upstream.close();
});

/** Makes a call that is not answered yet. */
async function callInFlight(): Promise<readonly [Promise<unknown> | undefined]> {
  const call = run();
  await waitFor(() => {
    expect(upstream.count('tools/call')).toBe(1);
  });
  return [call];
}

it('a call in flight ends as it would have when its upstream is removed, and leaves no series', async () => {
  const [call] = await callInFlight();
  const tool = catalogue.get('works');
  expect(await series()).not.toEqual([]);
  upstreams.want([]);
  expect(catalogue.get('works')).toBeUndefined();
  expect(await series()).toEqual([]);
  expect(await run(tool)).toMatchObject({ failure: { reason: 'unavailable' } });
  release();
  expect(await call).toEqual({ result: DONE });
  expect(await series()).toEqual([]);
  expect(upstream.count('tools/call')).toBe(1);
  await waitFor(async () => {
    expect(await upstream.connections()).toBe(0);
  });
});

it('a call in flight ends as it would have when its upstream is replaced', async () => {
  const [call] = await callInFlight();
  upstreams.want([specOf(url, { prefix: 'new_' })]);
  await waitFor(() => {
    expect(catalogue.get('new_works')).toBeDefined();
  });
  release();
  expect(await call).toEqual({ result: DONE });
});

it('a call in flight of an upstream that was removed ends with the server', async () => {
  const [call] = await callInFlight();
  upstreams.want([]);
  await upstreams.stop();
  expect(await call).toMatchObject({ failure: { reason: 'unavailable' } });
});

describe('the relay of an upstream', () => {
  let door: Awaited<ReturnType<typeof serveRelay>>;
  let at: string;
  const stream = { 'content-type': 'text/event-stream' };

  beforeEach(async () => {
    door = await serveRelay(upstreams);
    at = door.url;
  });
  afterEach(() => {
    door.close();
  });

  const listen = () => fetch(`${at}/mcp`, { headers: { accept: 'text/event-stream' } });

  it('ends what only listens when that is removed or replaced, and lets a call end', async () => {
    upstream.behaviour['GET'] = (_message, response) => response.writeHead(200, stream).write(': here\n\n');
    const [listening, call] = [await listen(), post(at, callOfTool(1, 'works'))];
    await waitFor(() => {
      expect(upstream.count('tools/call')).toBe(1);
    });
    upstreams.want([specOf(url, { prefix: 'new_' })]);
    expect(await listening.text()).toContain(': here');
    const again = await listen();
    expect(again.status).toBe(200);
    release();
    expect(await (await call).json()).toMatchObject({ id: 1, result: DONE });
    upstreams.want([]);
    await again.text();
    await waitFor(async () => {
      expect(await upstream.connections()).toBe(0);
    });
  });

  it('that was removed ends with the others when the server stops', async () => {
    const call = post(at, callOfTool(1, 'works'));
    await waitFor(() => {
      expect(upstream.count('tools/call')).toBe(1);
    });
    upstreams.want([]);
    upstreams.endRelays();
    expect((await call).status).toBe(503);
  });

  /** A call that is under way with a relay, and a moment longer than that lets it be. */
  function underWay() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const environment = relayEnvironment();
    const { relay, dispatch, send } = relayTo(environment);
    const session = new RelayedSessions(environment.seal, 'raw').begin(trustedCaller('test').id, 'kept', {});
    const call = send('POST', callOfTool(1, 'works'), 'test', { 'mcp-session-id': session?.sealed ?? '' });
    const controller = { abort: () => undefined } as unknown as Dispatcher.DispatchController;
    const says = (text: string): void => {
      const handler = dispatch.mock.calls[0]?.[1];
      handler?.onResponseStart?.(controller, 200, stream);
      handler?.onResponseData?.(controller, Buffer.from(text));
    };
    const leave = async (isReplaced: boolean): Promise<void> => {
      const left = relay.retire(isReplaced);
      await vi.advanceTimersByTimeAsync(3_600_000);
      await left;
      vi.useRealTimers();
    };
    return { ...call, says, leave };
  }

  it.each([
    ['removed', false, /was removed/],
    ['replaced', true, /has changed; try again/],
  ])('says why what does not end is ended when that is %s', async (_what, isReplaced, why) => {
    const { refused, leave } = underWay();
    await leave(isReplaced);
    expect(await refused).toMatchObject({ status: 503, id: 1, detail: expect.stringMatching(why) as string });
  });

  it('cuts a stream that a client can resume where another is in its place, and else ends it by an error', async () => {
    const kept = 'id: e1\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n';
    for (const isReplaced of [true, false]) {
      const { response, refused, says, leave } = underWay();
      const write = vi.spyOn(response, 'write');
      says(kept);
      await leave(isReplaced);
      expect(await refused).toBeUndefined();
      const errors = write.mock.calls.filter(([text]) => String(text).includes('"error"'));
      expect([response.destroyed, errors.length]).toEqual(isReplaced ? [true, 0] : [false, 1]);
    }
  });
});
