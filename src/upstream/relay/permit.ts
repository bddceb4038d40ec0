import { failed, overloaded, rateLimited, shuttingDown, type Failure } from '../../tools/call.ts';
import type { Permit } from '../breaker.ts';
import { isWanted } from '../definitions.ts';
import type { Health } from '../health.ts';
import { toolNameOf, type Request } from './messages.ts';

/** What a permit is asked for. */
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

/** A permit to pass something on, or why not. */
export function permitFor(asking: Asking): Permit | Failure {
  const { spec, health, asked, begins, isStopping, isFull, waitSeconds } = asking;
  if (isStopping) return shuttingDown;
  if (waitSeconds > 0) return rateLimited(waitSeconds);
  const unwanted = asked.map(toolNameOf).find((name) => name !== undefined && !isWanted(name, spec.tools));
  if (unwanted !== undefined)
    return failed('denied', `The settings of this server leave out this tool of the upstream ${spec.name}.`);
  if (isFull) return overloaded(`Too much is under way with the upstream ${spec.name}; try again.`);
  const { state, why } = health.state;
  const isGet = begins && asked.length === 0;
  const permit = state === 'unauthorized' ? undefined : isGet ? health.enterToListen() : health.enter();
  if (permit !== undefined) return permit;
  return failed('unavailable', `The upstream ${spec.name} is not available: ${why || state}.`, {
    retryAfterSeconds: Math.max(1, health.retryIn),
    cause: `upstream ${spec.name}: ${why}`,
  });
}
