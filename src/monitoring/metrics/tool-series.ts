import type { CallRecord } from '../../tools/call.ts';
import type { Metrics } from './metrics.ts';
import { labelsOf, type Operation } from './operation.ts';

/** The series that the calls of one tool move, most of them found once. */
export class ToolSeries {
  readonly #metrics: Metrics;
  readonly #name: string;
  readonly #inFlight;
  readonly #successes;
  readonly #durations;
  readonly #sizes;
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
    this.#inFlight = metrics.mcp_tool_calls_in_flight.bind({ tool_name });
    this.#successes = metrics.mcp_tool_calls_total.bind({ tool_name, status: 'success' });
    this.#durations = metrics.mcp_tool_duration_seconds.bind({ tool_name });
    this.#sizes = metrics.mcp_tool_result_size_bytes.bind({ tool_name });
  }

  inFlight(calls: number): void {
    this.#inFlight.set(calls);
  }

  finished(record: CallRecord): void {
    const { runSeconds, resultBytes, call } = record;
    const traceId = call.trace?.sampled ? call.trace.traceId : undefined;
    const tool_name = this.#name;
    if (record.status === 'success') this.#successes.inc();
    else {
      this.#metrics.mcp_tool_calls_total.inc({ tool_name, status: 'error' });
      this.#metrics.mcp_tool_errors_total.inc({ tool_name, reason: record.reason }, 1, traceId);
    }
    if (runSeconds !== undefined) this.#durations.observe(runSeconds, traceId);
    if (resultBytes !== undefined) this.#sizes.observe(resultBytes);
  }

  /** A request that called it succeeded. */
  succeeded(operation: Operation): void {
    const { protocolVersion, transport, seconds, traceId } = operation;
    let last = this.#succeeded;
    if (last?.protocolVersion !== protocolVersion || last?.transport !== transport)
      this.#succeeded = last = { protocolVersion, transport, durations: this.find(operation) };
    last.durations.observe(seconds, traceId);
  }

  private find(operation: Operation) {
    return this.#metrics.mcp_server_operation_duration_seconds.bind(labelsOf(operation));
  }
}
