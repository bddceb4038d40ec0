import { pino, type DestinationStream, type Logger } from 'pino';
import { describeThrown } from './describe-thrown.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A logger that writes one JSON object a line, with ISO timestamps, and errors without what looks like a secret. */
export function createLogger(level: (typeof LOG_LEVELS)[number], destination: DestinationStream): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  // Anything but an Error has been described already.
  const serializers = { err: (err: unknown) => (err instanceof Error ? describeThrown(err) : err) };
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters, serializers },
    destination,
  );
}
