import { AUDIT_OUTCOMES, type AuditOutcome } from './labels.ts';
import type { Metrics } from './metrics.ts';

/** Every `inc` of audit events. */
export class AuditRecorder {
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Creates what counts them, at 0, so that `increase()` sees the first. */
  begin(): void {
    for (const outcome of AUDIT_OUTCOMES) this.#metrics.mcp_audit_events_total.inc({ outcome }, 0);
    this.#metrics.mcp_audit_write_errors_total.inc({}, 0);
  }

  event(outcome: AuditOutcome): void {
    this.#metrics.mcp_audit_events_total.inc({ outcome });
  }

  writeFailed(): void {
    this.#metrics.mcp_audit_write_errors_total.inc({});
  }
}
