import { failed, overloaded, type Failure } from '../../tools/call.ts';
import type { Leave } from '../breaker.ts';
import { isWanted } from '../definitions.ts';
import type { Health } from '../health.ts';
import { toolNameOf, type Request } from './messages.ts';

/** What is asked leave for. */
interface Asking {
  readonly spec: { readonly name: string; readonly tools: Parameters<typeof isWanted>[1] };
  readonly health: Health;
  readonly asked: readonly Request[];
  /** Whether it begins something, and does not end or answer it. */
  readonly begins: boolean;
  /** Whether nothing may begin any more. */
  readonly isStopping: boolean;
  /** Whether as much is under way as may be, with all or with its client. */
  readonly isFull: boolean;
  /** Seconds until it would be within its caller's quota; 0 for one that is. */
  readonly waitSeconds: number;
}

/** Leave to pass something on, or why not. */
export function leaveFor(asking: Asking): Leave | Failure {
  const { spec, health, asked, begins, isStopping, isFull, waitSeconds } = asking;
  if (isStopping) return overloaded('The server is shutting down; try again.');
  if (waitSeconds > 0)
    return failed('rate_limited', `Too many calls; try again in ${waitSeconds.toFixed(1)} s.`, {
      retryAfterSeconds: waitSeconds,
    });
  const unwanted = asked.map(toolNameOf).find((name) => name !== undefined && !isWanted(name, spec.tools));
  if (unwanted !== undefined)
    return failed('denied', `The settings of this server leave out this tool of the upstream ${spec.name}.`);
  if (isFull) return overloaded(`Too much is under way with the upstream ${spec.name}; try again.`);
  const { state, why } = health.state;
  const isGet = begins && asked.length === 0;
  const leave = state === 'unauthorized' ? undefined : isGet ? health.enterToListen() : health.enter();
  if (leave !== undefined) return leave;
  return failed('unavailable', `The upstream ${spec.name} is not available: ${why || state}.`, {
    retryAfterSeconds: Math.max(1, health.retryIn),
    cause: `upstream ${spec.name}: ${why}`,
  });
}
