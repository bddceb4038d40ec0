import type { CallObserver } from '../tools/call.ts';

/**
 * One observer made of those there are, told in order. What one of them throws hurts neither the call nor the others.
 * @param onError told of what was thrown, as by the logger of an application
 */
export function observers(
  onError: (error: Error) => void,
  ...all: readonly (CallObserver | undefined)[]
): CallObserver {
  const present = all.filter((observer) => observer !== undefined);
  const report = (error: unknown): void => {
    onError(error instanceof Error ? error : new Error(String(error)));
  };
  return {
    started(tool, at) {
      for (const observer of present)
        try {
          observer.started(tool, at);
        } catch (error) {
          report(error);
        }
    },
    finished(record) {
      for (const observer of present)
        try {
          observer.finished(record);
        } catch (error) {
          report(error);
        }
    },
  };
}
