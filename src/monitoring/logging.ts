import { pino, type DestinationStream, type Logger } from 'pino';
import { redactText } from './redact.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A logger that writes one JSON object a line, with ISO timestamps, and errors without what looks like a secret. */
export function createLogger(level: (typeof LOG_LEVELS)[number], destination: DestinationStream): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  const serializers = { err: serializeError };
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters, serializers },
    destination,
  );
}

function serializeError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? redactText(thrown) : thrown;
  const { type, message, stack } = pino.stdSerializers.err(thrown);
  const code = (thrown as NodeJS.ErrnoException).code;
  return {
    type,
    message: redactText(message),
    stack: redactText(stack),
    ...(code !== undefined && { code }),
  };
}
