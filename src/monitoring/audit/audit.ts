import { AUTH_FAILURE_REASONS, type AuthFailureReason } from '../../authorization/labels.ts';
import type { Caller } from '../../authorization/caller.ts';
import type { CallObserver, CallRecord } from '../../tools/call.ts';
import type { Logger } from '../logging.ts';
import type { AuditRecorder } from '../metrics/audit-recorder.ts';
import { currentTraceId } from '../traces/tracing.ts';
import type { SessionIntrusion } from '../door/json-rpc.ts';
import type { AuditOutput } from './audit-output.ts';

/**
 * Why a request was refused before it could be a call: for its credentials; for its quota; the caller may not use the server that
 * it asks for; it asks for a host, or comes from a page, that is not allowed; it names the session of another caller, or an id that was changed.
 */
export type RefusalCause =
  | AuthFailureReason
  | SessionIntrusion
  | 'rate_limited'
  | 'denied'
  | 'host'
  | 'origin';

/** Whether a refusal counts in `mcp_auth_failures_total`. */
export const isAuthFailure = (cause: RefusalCause): cause is AuthFailureReason =>
  AUTH_FAILURE_REASONS.some((reason) => reason === cause);

/** An HTTP request that was refused. */
export interface RefusedRequest {
  readonly reason: RefusalCause;
  readonly status: number;
  readonly method: string;
  readonly path: string;
  /** Missing where it is not known who asks. */
  readonly caller: Caller | undefined;
  readonly address: string;
  readonly requestId: string;
}

/** A session that a client has opened. */
export interface OpenedSession {
  readonly caller: Caller;
  /** The upstream whose session it is, where it is not ours. */
  readonly upstream?: string;
  readonly transport: string;
  readonly sessionId?: string;
  readonly clientName?: string | undefined;
  readonly clientVersion?: string | undefined;
  readonly requestId?: string;
  /** Default: the current one. */
  readonly traceId?: string | undefined;
}

/** What changed of what decides: who is let in, and where calls go. */
export type Change =
  | 'tokens_changed'
  | 'keys_changed'
  | 'upstream_added'
  | 'upstream_changed'
  | 'upstream_removed'
  | 'upstream_tools_changed';

/** Of what a client said, as much is written, in characters. */
const MAX_TEXT = 128;

/** What the log says of a failure. */
const FAILURES = {
  write: 'audit events cannot be written; they are kept as long as there is room',
  reopen: 'SIGHUP: the audit file cannot be opened again; audit events go to the old one until it can',
} as const;

/** Whether the audit trail has, or gets, a gap. */
export interface AuditReport {
  /** Whether the last write, or opening the file again, failed; events wait as long as there is room. */
  readonly failing: boolean;
  /** Events since the start that are nowhere. */
  readonly lost: number;
  /** Missing where none was lost. */
  readonly last_lost_seconds?: number;
}

interface AuditOptions {
  /** A name that no other process has. */
  readonly process: string;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  readonly recorder: AuditRecorder;
  /** The log, which says when events cannot be written. */
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

/**
 * Writes one event for each decision, none of them folded or sampled, and counts those that are lost. Over any time the events add up
 * to the metrics: those with `event: call` to `mcp_tool_calls_total` and `mcp_tool_errors_total`, those with `auth_failure` to
 * `mcp_auth_failures_total`, those refused as `other_caller` or `forged` to `mcp_session_not_found_total`, and those with `event: session_opened` and without
 * `upstream` to `mcp_sessions_opened_total`.
 */
export class Audit implements CallObserver {
  readonly #output: AuditOutput;
  readonly #options: AuditOptions;
  #seq = 0;
  /** What failed since all was well. */
  readonly #failing = new Set<keyof typeof FAILURES>();
  #lost = 0;
  #lostAt: number | undefined;

  constructor(output: AuditOutput, options: AuditOptions) {
    const { recorder } = options;
    this.#output = output;
    this.#options = options;
    recorder.begin();
    output.observe({
      failed: (err, what) => {
        recorder.writeFailed();
        // Before the line: where events are in the log, that may fail, too.
        const isKnown = this.#failing.has(what);
        this.#failing.add(what);
        if (!isKnown) options.logger.error({ err }, FAILURES[what]);
      },
      well: () => {
        if (this.#failing.size > 0) options.logger.info('audit events are written again');
        this.#failing.clear();
      },
      reopened: () => {
        options.logger.info('SIGHUP: the audit file is opened again');
      },
    });
  }

  /** Those that are lost have a number as well, so that they are seen to be missing. */
  #write(event: Readonly<Record<string, unknown>>): void {
    const { process, recorder, unixTime } = this.#options;
    const time = new Date(Math.round(unixTime() * 1000)).toISOString();
    // As the log writes its lines, which takes longer: there may be an event for each call.
    const line = { level: 'info', time, stream: 'audit', process, seq: (this.#seq += 1), ...event };
    const isAccepted = this.#output.write(`${JSON.stringify(line)}\n`);
    recorder.event(isAccepted ? 'accepted' : 'lost');
    if (isAccepted) return;
    this.#lost += 1;
    this.#lostAt = unixTime();
  }

  started(): void {
    // A call is decided when it has its outcome.
  }

  finished(record: CallRecord): void {
    const { tool, call, status } = record;
    const isFailed = record.status === 'error';
    this.#write({
      event: 'call',
      ...who(call.caller),
      tool,
      outcome: status,
      ...(isFailed && { reason: record.reason }),
      ...(isFailed && record.scopes && { auth_failure: 'insufficient_scope' satisfies AuthFailureReason }),
      entrance: call.entrance,
      session_id: call.sessionId,
      request_id: call.requestId,
      trace_id: call.trace?.traceId,
    });
  }

  refused({ reason, status, method, path, caller, address, requestId }: RefusedRequest): void {
    this.#write({
      event: 'refused',
      ...(caller && who(caller)),
      address,
      outcome: 'error',
      reason,
      ...(isAuthFailure(reason) && { auth_failure: reason }),
      status,
      method,
      path: path.slice(0, MAX_TEXT),
      request_id: requestId,
      trace_id: currentTraceId(),
    });
  }

  sessionOpened({ caller, clientName, clientVersion, traceId, ...opened }: OpenedSession): void {
    this.#write({
      event: 'session_opened',
      ...who(caller),
      outcome: 'success',
      upstream: opened.upstream,
      transport: opened.transport,
      session_id: opened.sessionId,
      client_name: clientName?.slice(0, MAX_TEXT),
      client_version: clientVersion?.slice(0, MAX_TEXT),
      request_id: opened.requestId,
      trace_id: traceId ?? currentTraceId(),
    });
  }

  /** @param outcome `error` where what changed cannot be used, so that what was in effect still is */
  changed(event: Change, outcome: 'success' | 'error', facts: Readonly<Record<string, unknown>>): void {
    this.#write({ event, outcome, ...facts });
  }

  /** How writing goes, and what was lost. */
  report(): AuditReport {
    const lostAt = this.#lostAt;
    return {
      failing: this.#failing.size > 0,
      lost: this.#lost,
      ...(lostAt !== undefined && { last_lost_seconds: this.#options.unixTime() - lostAt }),
    };
  }

  /** Has the file opened anew, by its name, as soon as that can be; the log says when it is. Returns whether there is one. */
  reopen(): boolean {
    return this.#output.reopen();
  }

  /** Writes what is not written yet; what comes afterwards is lost. */
  async close(): Promise<void> {
    const err = await this.#output.close();
    if (err) this.#options.logger.error({ err }, 'the last audit events are lost: they could not be written');
  }
}

/** A caller as log lines name it, and what it showed: a static token, a JWT, or nothing. Of anonymous ones there is the address. */
const who = (caller: Caller) => ({
  caller: caller.name,
  caller_kind: caller.id.split(':', 1)[0],
  ...(caller.isAnonymous && { address: caller.quotaKey }),
});
