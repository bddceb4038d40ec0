import { histogram, type Declaration, type Labels } from './declaration.ts';
import { OTEL_MCP_BUCKETS } from './bounds.ts';

/** A metric of ours, as it is declared. */
export interface Row extends Declaration {
  /** Whether only our own server has it, so that the library does not expose it. */
  readonly serverOnly?: true;
  /** Whether it is there for its name in the OpenTelemetry conventions; the same is to be had under other names. */
  readonly openTelemetryName?: true;
}

export const serverOnly = <const D extends Row>(declaration: D) =>
  ({ ...declaration, serverOnly: true }) as const;

export const onUse = <const D extends Row>(declaration: D) => ({ ...declaration, onUse: true }) as const;

/** A histogram of the OpenTelemetry conventions for MCP. */
export const openTelemetry = <const L extends Labels>(help: string, labels: L) =>
  ({ ...histogram(help, OTEL_MCP_BUCKETS, labels), onUse: true, openTelemetryName: true }) as const;
