import { pino, type DestinationStream, type Logger } from 'pino';
import type { CallObserver, CallRecord } from '../tools/call.ts';
import { ERROR_REASONS } from '../tools/outcome.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A logger that writes one JSON object a line, with ISO timestamps. */
export function createLogger(level: (typeof LOG_LEVELS)[number], destination: DestinationStream): Logger {
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters }, destination);
}

/**
 * Logs one line a call: successes at debug, callers' faults at info, the server's at warn, exceptions at error
 * with what was thrown. Arguments and results never appear.
 */
export function logCalls(logger: Logger): CallObserver {
  return {
    started: () => undefined,
    finished(record) {
      const { call, tool, status, totalSeconds, runSeconds, resultBytes } = record;
      const line = {
        tool,
        status,
        ...(record.status === 'error' && { reason: record.reason }),
        entrance: call.entrance,
        caller: call.caller.name,
        request_id: call.requestId,
        session_id: call.sessionId,
        client_name: call.clientName,
        client_version: call.clientVersion,
        duration_seconds: round(totalSeconds),
        run_seconds: runSeconds === undefined ? undefined : round(runSeconds),
        result_bytes: resultBytes,
        ...(record.status === 'error' && record.cause !== undefined && { err: record.cause }),
      };
      logger[levelOf(record)](line, 'tool call');
    },
  };
}

function levelOf(record: CallRecord): 'debug' | 'info' | 'warn' | 'error' {
  if (record.status === 'success') return 'debug';
  if (record.reason === 'exception') return 'error';
  return ERROR_REASONS[record.reason].serverFault ? 'warn' : 'info';
}

const round = (seconds: number): number => Number(seconds.toFixed(6));

/** One observer made of several, told in order. */
export const observers = (...all: readonly CallObserver[]): CallObserver => ({
  started(tool) {
    for (const observer of all) observer.started(tool);
  },
  finished(record) {
    for (const observer of all) observer.finished(record);
  },
});
