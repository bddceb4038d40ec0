import type { Application } from './application.ts';
import type { Listener } from './http/listener.ts';
import type { StopPlan, StopStep } from './lifecycle.ts';

/** What stops besides the application: the ways by which clients reach it. */
export interface Entrances {
  /** Taken while calls are still accepted. */
  readonly before?: readonly StopStep[];
  /** Accepts nothing new, from when calls are refused. */
  readonly refuse?: () => void;
  /** Taken when the last call has ended: what ends the connections of clients. */
  readonly ends: readonly StopStep[];
  /** The port of clients, if they come by one. */
  readonly main?: Listener;
  /** The operations port, which closes last. */
  readonly ops: Listener | undefined;
}

/** In what order the server stops, whichever way its clients come. */
export function stopPlan(
  {
    executor,
    finishCalls,
    workers,
    flush,
  }: Pick<Application, 'executor' | 'finishCalls' | 'workers' | 'flush'>,
  { before = [], refuse, ends, main, ops }: Entrances,
  deadlineSeconds: number,
): StopPlan {
  return {
    deadlineSeconds,
    steps: [
      ...before,
      {
        name: 'finish calls',
        run: () => {
          refuse?.();
          return finishCalls();
        },
      },
      ...ends,
      { name: 'end workers', run: () => workers.close() },
      { name: 'flush log and traces', run: flush },
      { name: 'close the operations port', run: () => ops?.close() ?? Promise.resolve() },
    ],
    async cut() {
      const calls = executor.inFlight.map(({ name, requestId }) => ({ tool: name, request_id: requestId }));
      const cut = await Promise.all([main?.destroy() ?? 0, ops?.destroy() ?? 0]);
      return { calls, connections: cut[0] + cut[1] };
    },
  };
}
