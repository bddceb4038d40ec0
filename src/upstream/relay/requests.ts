import { ERROR_CODES } from '../../monitoring/door/json-rpc.ts';
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from '../../authorization/caller.ts';
import type { Connection } from '../../monitoring/door/connection.ts';
import type { Pending } from '../../monitoring/door/pending.ts';
import type { Door } from '../../monitoring/door/door.ts';
import type { Tracing } from '../../monitoring/traces/tracing.ts';
import { cancelled, type CallTrace, type Failure, type ToolCall } from '../../tools/call.ts';
import type { Executor } from '../../tools/executor.ts';
import type { OfferedTool } from '../../tools/offered-tool.ts';
import { ERROR_REASONS, UNKNOWN_TOOL } from '../../tools/reasons.ts';
import type { RunOutcome } from '../../tools/settle.ts';
import type { Fault } from '../fault.ts';
import type { ClientOperation } from '../link.ts';
import { outcomeOf } from './call-outcome.ts';
import { fieldOf, LISTEN, type Message, type Request } from './messages.ts';
import { nameOf, type RelayedSession } from './sessions.ts';

/** Where requests that are passed on are measured. */
export interface RelayMonitoring {
  /** One of its own: what listens here is not among the subscriptions of this server. */
  readonly door: Door<ToolCall>;
  /** Missing when nothing is traced. */
  readonly tracing: Tracing | undefined;
  readonly executor: Pick<Executor, 'observe'>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

export interface RequestsOptions extends RelayMonitoring {
  readonly upstream: { readonly name: string; readonly trustReasons: boolean };
  /** The tool that the catalogue has for one of the upstream's. */
  readonly toolOf: (ownName: string) => OfferedTool | undefined;
  readonly observe: (operation: ClientOperation) => void;
}

/** Who sent the requests, and in which session. */
export interface Sent {
  readonly caller: Caller;
  readonly requestId: string;
  readonly session: RelayedSession | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Whether a request was not taken on for a mistake of its client. */
const isClients = ({ reason }: Failure): boolean => ERROR_REASONS[reason].refused;

/** A request that has been passed on and has no answer yet. */
export interface Waiting {
  readonly request: Request;
  readonly startedAt: number;
  readonly connection: Connection<ToolCall>;
  readonly pending: Pending<ToolCall> | undefined;
  /** Ends the call, where it is one. */
  readonly endCall: ((measured: RunOutcome & { readonly runSeconds?: number }) => void) | undefined;
  /** The tool that it calls, where the catalogue has it. */
  readonly tool: OfferedTool | undefined;
}

/**
 * The requests that one HTTP request brings to an upstream: each is measured from its receipt to its answer, at the same door and
 * with the same words as requests that this server answers itself.
 */
export class Requests {
  readonly #options: RequestsOptions;
  #waiting: readonly Waiting[] = [];
  #trace: CallTrace | undefined;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Takes requests in. */
  begin(requests: readonly Request[], sent: Sent): void {
    if (requests.length === 0) return;
    const { door, toolOf } = this.#options;
    const { session, headers } = sent;
    const sessionName = session && nameOf(session);
    const connection = door.connect({
      transport: 'http',
      sessionId: () => sessionName,
      toolLabel: (name) => toolOf(name)?.name ?? UNKNOWN_TOOL,
      peer: session?.client,
    });
    this.#waiting = requests.map((request) =>
      this.#begun(request, connection, sent, { request: { headers } }),
    );
  }

  #begun(request: Request, connection: Connection<ToolCall>, sent: Sent, extra: object): Waiting {
    const { tracing, executor, toolOf, now } = this.#options;
    const startedAt = now();
    const pending = connection.begin(request, extra);
    const trace = tracing && pending?.span?.run(() => tracing.currentCall());
    this.#trace ??= trace;
    const begun = { request, startedAt, connection, pending };
    if (request.method !== 'tools/call') return { ...begun, endCall: undefined, tool: undefined };
    const given = fieldOf(request.params, 'name');
    const name = typeof given === 'string' ? given : '';
    const tool = toolOf(name);
    const call: ToolCall = {
      name: tool?.name ?? name,
      arguments: fieldOf(request.params, 'arguments'),
      caller: sent.caller,
      requestId: sent.requestId,
      entrance: 'mcp',
      sessionId: sent.session && nameOf(sent.session),
      clientName: pending?.peer.name,
      clientVersion: pending?.peer.version,
      canElicit: false,
      signal: neverAborts,
      trace,
    };
    if (pending) pending.held = call;
    return { ...begun, endCall: executor.observe(call, tool), tool };
  }

  /** The place of the first of them in our trace. */
  get trace(): CallTrace | undefined {
    return this.#trace;
  }

  /** Those that have no answer yet. */
  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** Whether an answer may be long in coming by its nature. */
  get listens(): boolean {
    return this.#waiting.some(({ request }) => request.method === LISTEN);
  }

  /** Whether no answer is waited for but such. */
  get listenOnly(): boolean {
    return this.#waiting.every(({ request }) => request.method === LISTEN);
  }

  /** Whether one with this id waits for its answer. */
  has(id: unknown): boolean {
    return this.#waiting.some(({ request }) => request.id === id);
  }

  /** Takes an answer; returns whether one of them waited for it. */
  answer(message: Message): boolean {
    const found = this.#waiting.find(({ request }) => request.id === message.id);
    if (!found) return false;
    this.#forget(found);
    this.settle(found, message);
    return true;
  }

  /** Ends one by its answer. */
  settle(waiting: Waiting, message: Message): void {
    const { upstream } = this.#options;
    const { connection, pending, endCall, tool } = waiting;
    const isError = fieldOf(message.result, 'isError') === true;
    const code = fieldOf(message.error, 'code');
    this.#observe(waiting, { isError, errorCode: typeof code === 'number' ? code : undefined });
    if (pending) connection.answer(pending, message);
    endCall?.({
      ...outcomeOf(message, { ...upstream, isKnown: tool !== undefined }),
      runSeconds: this.#since(waiting),
    });
  }

  /** Ends those that listen, whose stream has ended: what is said there is no answer that could be missing. */
  endListens(): void {
    for (const waiting of this.#waiting)
      if (waiting.request.method === LISTEN) {
        this.#forget(waiting);
        this.settle(waiting, { result: {} });
      }
  }

  /** Ends those that wait because something that was too large to be read passed in place of their answers. */
  passedUnread(resultBytes: number): void {
    for (const waiting of this.take()) {
      const { connection, pending, endCall } = waiting;
      this.#observe(waiting, { isError: false });
      if (pending) connection.answer(pending, { result: {} });
      const outcome = { status: 'success', result: { content: [] } } as const;
      endCall?.({ outcome, resultBytes, runSeconds: this.#since(waiting) });
    }
  }

  /**
   * Ends those that wait without an answer.
   * @param fault of the upstream; left out where it got nothing of them
   */
  fail(failure: Failure, fault?: Fault): void {
    for (const waiting of this.take()) {
      const why = isClients(failure) ? { errorCode: ERROR_CODES.invalidRequest } : { fault };
      if (fault) this.#observe(waiting, { isError: false, ...why });
      this.lose(waiting, failure, fault !== undefined);
    }
  }

  /**
   * Ends one that will not be answered.
   * @param isRun whether the upstream may have got it
   */
  lose(waiting: Waiting, failure: Failure, isRun = true): void {
    const { connection, pending, endCall } = waiting;
    if (pending && failure.reason === 'cancelled') connection.drop(pending, 'cancelled');
    else if (pending)
      connection.answer(pending, {
        error: { code: isClients(failure) ? ERROR_CODES.invalidRequest : ERROR_CODES.internalError },
      });
    endCall?.({ outcome: failure, ...(isRun && { runSeconds: this.#since(waiting) }) });
  }

  /** Ends those that wait for a client that has left. */
  clientLeft(): void {
    for (const waiting of this.take()) this.lose(waiting, cancelled);
  }

  /** Ends the one with this id, whose client has cancelled it. */
  cancel(id: unknown): void {
    const found = this.#waiting.find(({ request }) => request.id === id);
    if (!found) return;
    this.#forget(found);
    this.lose(found, cancelled);
  }

  /** Those that wait, which are forgotten here: whoever takes them ends them. */
  take(): readonly Waiting[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  #forget(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
  }

  #observe(
    { request: { method }, startedAt, pending }: Waiting,
    operation: Omit<ClientOperation, 'method' | 'seconds'>,
  ): void {
    if (method === LISTEN) return;
    const traceId = pending?.span?.sampledTraceId;
    this.#options.observe({ method, seconds: this.#options.now() - startedAt, traceId, ...operation });
  }

  #since({ startedAt }: Waiting): number {
    return this.#options.now() - startedAt;
  }
}

const neverAborts = new AbortController().signal;
