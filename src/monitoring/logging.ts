import { pino, type DestinationStream, type Logger } from 'pino';
import { describeThrown } from './describe-thrown.ts';
import type { LineOutput } from './line-output.ts';

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

/** The same for a log that may have no room for a line: as soon as it has, it says how many were lost. */
export function createLog(level: (typeof LOG_LEVELS)[number], output: LineOutput): Logger {
  let lost = 0;
  const write = (line: string): void => {
    if (!output.write(line)) lost += 1;
  };
  const logger = createLogger(level, { write });
  output.observe({
    written: () => {
      if (lost === 0) return;
      const lines = lost;
      // Before the line: that may be written at once.
      lost = 0;
      logger.error({ lines }, 'lines of the log are lost: there was no room for them');
      // There was no room for it: it is said later.
      if (lost > 0) lost = lines;
    },
  });
  return logger;
}
