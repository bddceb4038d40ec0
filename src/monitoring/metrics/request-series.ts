import { OTHER, type TransportName } from './labels.ts';
import type { Metrics } from './metrics.ts';

/** The series of MCP requests. Most requests are like the one before, and theirs is not looked for again. */
export class RequestSeries {
  readonly #metrics: Pick<Metrics, 'mcp_requests_total'>;
  #last:
    | {
        readonly method: string;
        readonly revision: string | undefined;
        readonly transport: TransportName;
        readonly requests: ReturnType<RequestSeries['find']>;
      }
    | undefined;

  constructor(metrics: Pick<Metrics, 'mcp_requests_total'>) {
    this.#metrics = metrics;
  }

  count(method: string, revision: string | undefined, transport: TransportName): void {
    let last = this.#last;
    if (last?.method !== method || last.revision !== revision || last.transport !== transport)
      this.#last = last = { method, revision, transport, requests: this.find(method, revision, transport) };
    last.requests.series.inc();
  }

  private find(method: string, protocol_version = OTHER, transport: TransportName) {
    return this.#metrics.mcp_requests_total.bind({ method, protocol_version, transport });
  }
}
