import type { CallRecord } from '../../tools/call.ts';
import { REFUSED, UNKNOWN_TOOL, type ErrorReason } from '../../tools/reasons.ts';
import type { Metrics } from './metrics.ts';
import { labelsOf, type Operation } from './operation.ts';

/** What was counted of a tool's calls. */
export interface Counted {
  readonly calls: number;
  /** By reason; those that never occurred may be left out. */
  readonly failed: ReadonlyMap<ErrorReason, number>;
  /** Calls that reached the tool's code, by the bucket of `mcp_tool_duration_seconds`; the last has no bound. */
  readonly durations: readonly number[];
}

const NONE: ReadonlyMap<ErrorReason, number> = new Map();

/** The series that the calls of one tool move, most of them found once, and the calls of it that are in flight. */
export class ToolSeries {
  /** Whether the tool was removed, and has its series only until its last call has finished. */
  removed = false;
  readonly #metrics: Metrics;
  readonly #name: string;
  readonly #shownInFlight;
  readonly #successes;
  readonly #errors;
  readonly #failed = new Map<ErrorReason, ReturnType<ToolSeries['findFailed']>>();
  readonly #durations;
  readonly #sizes;
  #inFlight = 0;
  #movedAt = 0;
  /** The series that the last successful request was counted in. */
  #succeeded:
    | (Pick<Operation, 'protocolVersion' | 'transport'> & {
        readonly durations: ReturnType<ToolSeries['find']>;
      })
    | undefined;

  /** @param tool_name a registered name, or `unknown` */
  constructor(metrics: Metrics, tool_name: string) {
    this.#metrics = metrics;
    this.#name = tool_name;
    this.#shownInFlight = metrics.mcp_tool_calls_in_flight.bind({ tool_name });
    this.#successes = metrics.mcp_tool_calls_total.bind({ tool_name, status: 'success' });
    this.#errors = metrics.mcp_tool_calls_total.bind({ tool_name, status: 'error' });
    this.#durations = metrics.mcp_tool_duration_seconds.bind({ tool_name });
    this.#sizes = metrics.mcp_tool_result_size_bytes.bind({ tool_name });
  }

  /** Calls accepted and not yet answered. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** When an accepted call last ended, or began while there was no other: by the clock of the records, in seconds. */
  get movedAt(): number {
    return this.#movedAt;
  }

  /** Brings the gauge up to date. */
  showInFlight(): void {
    this.#shownInFlight.series.set(this.#inFlight);
  }

  started(at: number): void {
    if (this.#inFlight === 0) this.#movedAt = at;
    this.#inFlight += 1;
  }

  finished(record: CallRecord): void {
    const { runSeconds, resultBytes, call, endedAt } = record;
    const traceId = call.trace?.sampled ? call.trace.traceId : undefined;
    if (record.status === 'success') this.#successes.series.inc();
    else {
      this.#errors.series.inc();
      this.#failedFor(record.reason).series.inc(1, traceId);
    }
    if (runSeconds !== undefined) this.#durations.series.observe(runSeconds, traceId);
    if (resultBytes !== undefined) this.#sizes.series.observe(resultBytes);
    if (this.#name === UNKNOWN_TOOL) return; // its calls have no start
    this.#inFlight -= 1;
    if (record.status === 'success' || !REFUSED.includes(record.reason)) this.#movedAt = endedAt;
  }

  /** A request that called it succeeded. */
  succeeded(operation: Operation): void {
    const { protocolVersion, transport, seconds, traceId } = operation;
    let last = this.#succeeded;
    if (last?.protocolVersion !== protocolVersion || last?.transport !== transport)
      this.#succeeded = last = { protocolVersion, transport, durations: this.find(operation) };
    last.durations.series.observe(seconds, traceId);
  }

  /** How many calls were counted. */
  get calls(): number {
    return (this.#successes.found?.value ?? 0) + (this.#errors.found?.value ?? 0);
  }

  counted(): Counted {
    return {
      calls: this.calls,
      failed: this.#failed.size === 0 ? NONE : this.#failures(),
      durations: this.#durations.found?.counts.slice() ?? [],
    };
  }

  #failures(): ReadonlyMap<ErrorReason, number> {
    return new Map([...this.#failed].map(([reason, { found }]) => [reason, found?.value ?? 0]));
  }

  #failedFor(reason: ErrorReason) {
    let failed = this.#failed.get(reason);
    if (!failed) this.#failed.set(reason, (failed = this.findFailed(reason)));
    return failed;
  }

  private findFailed(reason: ErrorReason) {
    return this.#metrics.mcp_tool_errors_total.bind({ tool_name: this.#name, reason });
  }

  private find(operation: Operation) {
    return this.#metrics.mcp_server_operation_duration_seconds.bind(labelsOf(operation));
  }
}
