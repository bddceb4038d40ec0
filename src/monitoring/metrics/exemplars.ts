/** What a sample points to: one of the calls it counts, by its trace. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** What stands behind a sample in OpenMetrics 1.0.0, section "Exemplars": nothing, when there is none. */
export const exemplarText = (exemplar: Exemplar | undefined): string =>
  exemplar ? ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.time.toFixed(3)}` : '';
