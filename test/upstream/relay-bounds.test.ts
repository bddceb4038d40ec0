import type { Dispatcher } from 'undici';
import { afterEach, expect, it, vi } from 'vitest';
import { trustedCaller } from '../../src/authorization/caller.ts';
import type { Outcome } from '../../src/tools/call.ts';
import { Fault } from '../../src/upstream/fault.ts';
import { Health } from '../../src/upstream/health.ts';
import { Conversation } from '../../src/upstream/relay/conversation.ts';
import { OwedAnswers } from '../../src/upstream/relay/owed.ts';
import {
  FURTHER_EXCHANGES,
  MAX_EXCHANGES,
  MAX_EXCHANGES_OF_CLIENT,
} from '../../src/upstream/relay/exchanges.ts';
import { Requests } from '../../src/upstream/relay/requests.ts';
import { RelayedSessions } from '../../src/upstream/relay/sessions.ts';
import { call, list } from '../support/raw-session.ts';
import { relayTo } from '../support/silent-relay.ts';
import { relayEnvironment } from '../support/relay-environment.ts';

/** What calls ended in. */
const outcomes: Outcome[] = [];
const environment = relayEnvironment((outcome) => outcomes.push(outcome));
const { door, seal, now } = environment;
const silentRelay = (health?: Health) => relayTo(environment, health);
const upstream = { name: 'raw', trustReasons: false };

afterEach(() => {
  vi.useRealTimers();
});

it('a stream that listens is no trial of an upstream that calls are kept from', async () => {
  let seconds = 0;
  const health = new Health(
    () => seconds,
    () => 0.5,
    5,
    () => undefined,
  );
  health.missed('normal', new Fault('connection', 'nobody is there'));
  seconds = 3600;
  const { relay, serve, listen, dispatch } = silentRelay(health);
  expect(await listen()).toMatchObject({ status: 503 });
  expect(dispatch).not.toHaveBeenCalled();
  const trial = serve(call(1, 'works'));
  expect(dispatch).toHaveBeenCalledTimes(1);
  relay.close();
  await trial;
});

it('so many exchanges are passed on at a time, and no more', async () => {
  const { relay, serve, dispatch } = silentRelay();
  const waiting = Array.from({ length: MAX_EXCHANGES }, (_, id) => serve(list(id), `client ${id % 8}`));
  expect(dispatch).toHaveBeenCalledTimes(MAX_EXCHANGES);
  outcomes.length = 0;
  expect(await serve(call(7, 'works'))).toMatchObject({ status: 503, id: 7, data: { reason: 'overloaded' } });
  expect(dispatch).toHaveBeenCalledTimes(MAX_EXCHANGES);
  expect(outcomes).toMatchObject([{ reason: 'overloaded' }]);
  relay.close();
  for (const refusal of await Promise.all(waiting)) expect(refusal?.status).toBe(503);
  expect(door.inFlight.size).toBe(0);
});

it('one client has so many exchanges at a time, and leaves room for others', async () => {
  const { relay, serve, dispatch } = silentRelay();
  const waiting = Array.from({ length: MAX_EXCHANGES_OF_CLIENT }, (_, id) => serve(list(id), 'greedy'));
  expect(await serve(call(7, 'works'), 'greedy')).toMatchObject({
    status: 503,
    data: { reason: 'overloaded' },
  });
  waiting.push(serve(call(7, 'works'), 'modest'));
  expect(dispatch).toHaveBeenCalledTimes(MAX_EXCHANGES_OF_CLIENT + 1);
  relay.close();
  await Promise.all(waiting);
});

it('a client with as many exchanges as it may have still ends and answers some of them, up to a bound', async () => {
  const { relay, send, listen, dispatch } = silentRelay();
  const underWay = Array.from({ length: MAX_EXCHANGES_OF_CLIENT }, () => listen());
  expect(await listen()).toMatchObject({ status: 503 });
  dispatch.mockClear();
  underWay.push(
    send('POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }).refused,
    send('POST', { jsonrpc: '2.0', id: 'q', result: { action: 'decline' } }).refused,
    send('DELETE').refused,
  );
  expect(dispatch).toHaveBeenCalledTimes(3);
  expect(await listen()).toMatchObject({ status: 503 });
  while (dispatch.mock.calls.length < FURTHER_EXCHANGES) underWay.push(send('DELETE').refused);
  expect(await send('DELETE').refused).toMatchObject({ status: 503 });
  relay.close();
  await Promise.all(underWay);
});

it('of many questions the latest count, each until it is answered or its time is over', () => {
  let seconds = 0;
  const conversation = new Conversation(10, () => seconds);
  for (let id = 0; id < 1000; id += 1) conversation.asked(id);
  seconds = 5;
  expect(conversation.askedUntil).toBe(5);
  for (let id = 999; id > 900; id -= 1) conversation.answered(id);
  seconds = 7;
  expect(conversation.askedUntil).toBe(5);
  conversation.asked('q');
  seconds = 30;
  expect(conversation.askedUntil).toBe(17);
});

it('a question that is answered before its client comes back excuses no more silence', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const patient = { ...environment, inputWaitSeconds: 36_000 };
  const { relay, send, dispatch } = relayTo(patient);
  const session = new RelayedSessions(seal, 'raw').begin(trustedCaller('test').id, 'kept', {});
  const inSession = { 'mcp-session-id': session?.sealed ?? '' };
  const controller = {} as Dispatcher.DispatchController;
  const answered = (status: number, text: string): void => {
    const handler = dispatch.mock.lastCall?.[1];
    handler?.onResponseStart?.(controller, status, { 'content-type': 'text/event-stream' });
    handler?.onResponseData?.(controller, Buffer.from(text));
    handler?.onResponseEnd?.(controller, {});
  };
  outcomes.length = 0;
  const asks = { jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: {} };
  void send('POST', call(1, 'works'), 'test', inSession).refused;
  answered(200, `id: e1\ndata: ${JSON.stringify(asks)}\n\n`);
  void send('POST', { jsonrpc: '2.0', id: 'q', result: { action: 'decline' } }, 'test', inSession).refused;
  answered(202, '');
  void send('GET', undefined, 'test', { ...inSession, 'last-event-id': 'e1' }).refused;
  expect(outcomes).toEqual([]);
  // As long as an upstream of this relay may be silent.
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(outcomes).toMatchObject([{ reason: 'timeout' }]);
  relay.close();
});

it('so many answers are owed at a time, and the oldest is given up for another', () => {
  const owed = new OwedAnswers({ name: 'raw', timeoutSeconds: 3600 }, now, () => undefined);
  outcomes.length = 0;
  for (let id = 0; id < 1025; id += 1) {
    const requests = new Requests({
      ...environment,
      upstream,
      toolOf: () => undefined,
      observe: () => undefined,
    });
    requests.begin([call(id, 'works')], {
      caller: trustedCaller('test'),
      requestId: 'r',
      session: undefined,
      headers: {},
    });
    owed.add(requests.take(), {
      requests,
      sessionId: 'session',
      conversation: new Conversation(1, now),
      failure: undefined,
    });
  }
  expect(outcomes).toMatchObject([{ reason: 'cancelled' }]);
  owed.answer({ id: 1024, result: { content: [] } }, 'session');
  expect(outcomes).toMatchObject([{ reason: 'cancelled' }, { status: 'success' }]);
  owed.close();
  expect(outcomes).toHaveLength(1025);
  expect(door.inFlight.size).toBe(0);
});

it('an id of a session that is too long to be carried is not given to the client', () => {
  const sessions = new RelayedSessions(seal, 'raw');
  const longest = sessions.begin('test', 'x'.repeat(2048), { name: 'n'.repeat(48), version: 'v'.repeat(48) });
  expect(sessions.find('test', longest?.sealed ?? '')).toMatchObject({ ok: true });
  expect(sessions.begin('test', 'x'.repeat(2049), {})).toBeUndefined();
  const { sealed = '' } = sessions.begin('test', 'id', { name: 'n'.repeat(1000), version: '1' }) ?? {};
  expect(sealed.length).toBeLessThan(250);
  expect(sessions.find('test', sealed)).toMatchObject({ ok: true, session: { id: 'id' } });
  expect(sessions.find('another', sealed)).toEqual({ ok: false, reason: 'other_caller' });
});
