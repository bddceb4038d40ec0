/** The trace of one of the calls that a sample counts. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** An exemplar as OpenMetrics 1.0.0 writes it after a sample (section "Exemplars"); empty when there is none. */
export const exemplarText = (exemplar: Exemplar | undefined): string =>
  exemplar ? ` # {trace_id="${exemplar.traceId}"} ${exemplar.value} ${exemplar.time.toFixed(3)}` : '';
