import type { CallObserver } from '../tools/call.ts';

/**
 * One observer made of those there are, told in order. What one of them throws hurts neither the call nor the others.
 * @param onError told of what was thrown, as by the logger of an application
 */
export function observers(
  onError: (error: Error) => void,
  ...all: readonly (CallObserver | undefined)[]
): CallObserver {
  const tell = (told: (observer: CallObserver) => void): void => {
    for (const observer of all) {
      try {
        if (observer) told(observer);
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
      }
    }
  };
  return {
    started(tool) {
      tell((observer) => {
        observer.started(tool);
      });
    },
    finished(record) {
      tell((observer) => {
        observer.finished(record);
      });
    },
  };
}
