import { setTimeout as sleep } from 'node:timers/promises';
import type { Application } from './application.ts';
import type { Listener } from './http/listener.ts';
import type { StopPlan, StopStep } from './lifecycle.ts';

/** How the transport stops by which clients reach the application. */
export interface TransportStop {
  /** Steps taken first, while calls are still accepted; none if left out. */
  readonly whileAccepting?: readonly StopStep[];
  /** Stops accepting sessions; called when calls are no longer accepted. */
  readonly acceptNoSessions?: () => void;
  /** Steps that end the connections of clients, taken when the last call has ended. */
  readonly afterCalls: readonly StopStep[];
  /** Where clients come; the steps above close it. */
  readonly main: Pick<Listener, 'destroy'>;
  /** The operations port, if there is one; closed last, so that metrics and probes are served to the end. */
  readonly ops: Listener | undefined;
}

/** How long a call that is cut off may take to have its outcome, in milliseconds. */
const OUTCOME_MS = 250;

/**
 * In what order the server stops, whichever way its clients come.
 * @param outcomeMs how long calls that are cut off may take to have their outcome, which is still counted and written down
 */
export function stopPlan(
  {
    finishCalls,
    callsInFlight,
    workers,
    upstreams,
    oauth,
    flush,
  }: Pick<Application, 'finishCalls' | 'callsInFlight' | 'workers' | 'upstreams' | 'oauth' | 'flush'>,
  { whileAccepting = [], acceptNoSessions, afterCalls, main, ops }: TransportStop,
  deadlineSeconds: number,
  outcomeMs = OUTCOME_MS,
): StopPlan {
  return {
    deadlineSeconds,
    steps: [
      ...whileAccepting,
      {
        name: 'finish calls',
        run: () => {
          acceptNoSessions?.();
          return finishCalls();
        },
      },
      ...afterCalls,
      ...(upstreams ? [{ name: 'leave upstreams', run: () => upstreams.stop() }] : []),
      ...(oauth ? [{ name: 'ask issuers no more', run: () => oauth.callers.stop() }] : []),
      { name: 'end workers', run: () => workers.close() },
      { name: 'flush log and traces', run: flush },
      { name: 'close the operations port', run: () => ops?.close() ?? Promise.resolve() },
    ],
    async cut() {
      const calls = callsInFlight().map(({ name, requestId, caller, clientName }) => ({
        tool: name,
        request_id: requestId,
        caller: caller.name,
        client_name: clientName,
      }));
      const cut = await Promise.all([main.destroy(), ops?.destroy() ?? 0]);
      await Promise.race([finishCalls(), sleep(outcomeMs, undefined, { ref: false })]);
      // The step that does so may not have been reached.
      await flush();
      return { calls, connections: cut[0] + cut[1] };
    },
  };
}
