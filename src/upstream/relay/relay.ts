import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Caller } from '../../authorization/caller.ts';
import type { Audit } from '../../monitoring/audit/audit.ts';
import { intrusionOf, type Refusal } from '../../monitoring/door/json-rpc.ts';
import { traceparentOf } from '../call-params.ts';
import type { isWanted } from '../definitions.ts';
import type { Health } from '../health.ts';
import { Conversation } from './conversation.ts';
import { leaving, STOPPED } from './ending.ts';
import { Exchange, type ExchangeHost } from './exchange.ts';
import { Exchanges } from './exchanges.ts';
import { headersToUpstream, SESSION_HEADER } from './headers.ts';
import { hearing, hearingOwed } from './hearing.ts';
import { permitFor } from './permit.ts';
import { fieldOf, isOfRequestInFlight, isRequest, messagesIn, whyUnclear, type Message } from './messages.ts';
import { OwedAnswers } from './owed.ts';
import { invalidRequest, refusalOf, sessionNotFound } from './refusals.ts';
import { Requests, type RelayMonitoring, type RequestsOptions } from './requests.ts';
import { RelayedSessions, type FoundSession, type RelayedSession, type SessionSeal } from './sessions.ts';

/** What the relays of all upstreams share. */
export interface RelayEnvironment
  extends RelayMonitoring, Pick<ExchangeHost, 'maxBytes' | 'keepAliveSeconds'> {
  /** How long a client may take to answer what it is asked, in seconds. */
  readonly inputWaitSeconds: number;
  readonly seal: SessionSeal;
  /** Missing where decisions are not written. */
  readonly audit: Pick<Audit, 'sessionOpened'> | undefined;
  /** Told that the id of a session was refused. */
  readonly sessionNotFound: (reason: Extract<FoundSession, { readonly ok: false }>['reason']) => void;
}

/** What a relay needs to know of its upstream. */
interface RelaySpec {
  readonly name: string;
  readonly url: string;
  /** Sent with each request; hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tools: Parameters<typeof isWanted>[1];
  /** How long it may be silent while something is waited for. */
  readonly timeoutSeconds: number;
  readonly trustReasons: boolean;
}

export interface RelayOptions extends Pick<RequestsOptions, 'toolOf' | 'observe'> {
  readonly spec: RelaySpec;
  readonly health: Health;
  /** Has the upstream looked at: who answers now may not be who did. */
  readonly lookNow: () => void;
  /** Its own, of the upstream's origin: has a connection for each exchange. */
  readonly pool: Dispatcher;
  readonly environment: RelayEnvironment;
}

/** What is known of an HTTP request that passed the guards. */
export interface RelayedRequest {
  /** The body of a POST as it came, and parsed; else missing. */
  readonly body: { readonly bytes: Buffer; readonly value: unknown } | undefined;
  readonly caller: Caller;
  readonly requestId: string;
  /** Seconds until it would be within its caller's quota; 0 for one that is. */
  readonly waitSeconds: number;
}

/** The first revision without sessions. */
const STATELESS = '2026-07-28';

/** The face of an upstream that passes a whole protocol session through to it, whatever is said there, and measures it. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #requests: RequestsOptions;
  readonly #host: ExchangeHost;
  readonly #sessions: RelayedSessions;
  readonly #owed: OwedAnswers;
  readonly #path: string;
  readonly #headers: ReadonlyMap<string, string>;
  readonly #exchanges = new Exchanges();
  /** Whether the settings leave tools out. */
  readonly #leavesOut: boolean;
  #takesRequests = true;
  #isClosed = false;

  constructor(options: RelayOptions) {
    const { spec, environment } = options;
    this.#options = options;
    this.#requests = { ...environment, ...options, upstream: spec };
    this.#sessions = new RelayedSessions(environment.seal, spec.name, environment.audit);
    this.#owed = new OwedAnswers(spec, environment.now, hearingOwed(options.health));
    this.#leavesOut = !spec.tools.include.includes('*') || spec.tools.exclude.length > 0;
    const { pathname, search } = new URL(spec.url);
    this.#path = pathname + search;
    this.#headers = new Map(Object.entries(spec.headers).map(([name, value]) => [name.toLowerCase(), value]));
    this.#host = {
      upstream: spec,
      ...environment,
      answered: (message, { sessionId }) => {
        if (sessionId !== undefined) this.#owed.answer(message, sessionId);
      },
      owe: (waiting, failure, { requests, sessionId = '', conversation }) => {
        this.#owed.add(waiting, { requests, sessionId, conversation, failure });
      },
      over: (exchange) => {
        this.#exchanges.delete(exchange);
      },
    };
  }

  /**
   * Passes a request on, and its answer back.
   * @returns why it did not, and then nothing was written
   */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    relayed: RelayedRequest,
  ): Promise<Refusal | undefined> {
    const { health, lookNow, pool, environment } = this.#options;
    const { inputWaitSeconds, now } = environment;
    const { body, caller, requestId } = relayed;
    const { headers, method = 'GET' } = request;
    const isGet = method === 'GET';
    const messages = body ? messagesIn(body.value) : [];
    const unclear = whyUnclear(messages, this.#leavesOut);
    if (unclear !== undefined) return invalidRequest(unclear);
    const asked = messages.filter(isRequest);
    const found = this.#sessionOf(request, caller);
    if (found?.ok === false) {
      environment.sessionNotFound(found.reason);
      return { ...sessionNotFound(asked), ...intrusionOf(found.reason) };
    }
    const session = found?.session;
    const requests = new Requests(this.#requests);
    requests.begin(asked, { caller, requestId, session, headers });
    const waitSeconds = messages.every(isOfRequestInFlight) ? 0 : relayed.waitSeconds;
    const begins = isGet || asked.length > 0;
    const permit = permitFor({
      ...this.#options,
      asked,
      waitSeconds,
      begins,
      // What ends or answers something passes as long as it can.
      isStopping: this.#isClosed || (begins && !this.#takesRequests),
      isFull: this.#exchanges.isFullFor(caller.quotaKey, begins),
    });
    if (typeof permit === 'object') {
      requests.fail(permit);
      return refusalOf(permit, asked);
    }
    if (session) this.#tell(messages, request, session);
    const listens = isGet || requests.listens;
    // When the server stops, it ends this stream. A further request on the same connection would be lost, so the client must send
    // none.
    if (listens) response.setHeader('connection', 'close');
    const exchange = new Exchange(this.#host, response, {
      requests,
      sessionId: session?.sealed,
      conversation: (session && this.#known(session.sealed)) ?? new Conversation(inputWaitSeconds, now),
      listens,
      isGet,
      sealedId: (id) =>
        this.#sessions.sealedId(id, session, { caller, requestId, trace: requests.trace }, asked),
      heard: hearing(permit, {
        health,
        lookNow,
        listens: listens && requests.listenOnly,
        isGet,
        inSession: session !== undefined,
      }),
    });
    this.#exchanges.add(exchange, caller.quotaKey);
    // It may have left while its request was read or its caller was found out.
    if (response.destroyed) exchange.clientLeft();
    pool.dispatch(
      {
        path: this.#path,
        method,
        headers: headersToUpstream(headers, this.#headers, {
          sessionId: session?.id,
          traceparent: requests.trace && traceparentOf(requests.trace),
        }),
        // Where tools are left out, it must say to the upstream what it says here: of a field that is there twice, the last counts.
        body: body ? (this.#leavesOut ? JSON.stringify(body.value) : body.bytes) : null,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      exchange,
    );
    return exchange.begun;
  }

  /** The session that a request names; `undefined` for one that names none, or is of the era without. */
  #sessionOf({ headers }: IncomingMessage, caller: Caller): FoundSession | undefined {
    const sealed = headers[SESSION_HEADER];
    if (typeof sealed !== 'string' || headers['mcp-protocol-version'] === STATELESS) return undefined;
    return this.#sessions.find(caller.id, sealed);
  }

  /** Takes note of what a client says of requests of its session that are in flight. */
  #tell(
    messages: readonly Message[],
    { headers }: IncomingMessage,
    { sealed: sessionId }: RelayedSession,
  ): void {
    if (headers['last-event-id'] !== undefined) this.#owed.askedFor(sessionId);
    for (const { id: answered, method, params } of messages) {
      if (method === undefined) this.#known(sessionId)?.answered(answered);
      if (method !== 'notifications/cancelled') continue;
      const id = fieldOf(params, 'requestId');
      this.#exchanges
        .ofSession(sessionId)
        .find(({ requests }) => requests.has(id))
        ?.requests.cancel(id);
      this.#owed.cancel(id, sessionId);
    }
  }

  /** The one that exchanges of a session, or answers that it waits for, have. */
  #known(sessionId: string): Conversation | undefined {
    return this.#exchanges.ofSession(sessionId)[0]?.conversation ?? this.#owed.conversationOf(sessionId);
  }

  /** Takes no more requests; what belongs to those in flight still passes. */
  acceptNone(): void {
    this.#takesRequests = false;
    this.#owed.giveUpUnasked();
  }

  /** It is none any more, or another is in its place: ends what only listens, and the rest when it has ended, or takes too long. */
  async retire(isReplaced: boolean): Promise<void> {
    const { name, timeoutSeconds } = this.#options.spec;
    const ending = leaving(name, isReplaced);
    this.acceptNone();
    await this.#exchanges.finish(ending, timeoutSeconds);
    this.close(ending);
  }

  /** Ends all there is. */
  close(ending = STOPPED): void {
    this.#takesRequests = false;
    this.#isClosed = true;
    this.#exchanges.stop(ending);
    this.#owed.close();
  }
}
