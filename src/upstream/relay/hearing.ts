import type { Permit } from '../breaker.ts';
import type { Fault } from '../fault.ts';
import type { Health } from '../health.ts';
import type { ExchangeOptions } from './exchange.ts';

interface HearingOptions {
  readonly health: Health;
  /** Has the upstream looked at: who answers now may not be who did. */
  readonly lookNow: () => void;
  /** Whether nothing but listening is asked for; a GET asks for nothing at all. */
  readonly listens: boolean;
  readonly isGet: boolean;
  readonly inSession: boolean;
}

/**
 * Tells an upstream's health what becomes of an exchange with it, as calls of the catalogue do.
 * @param first the permit that it was begun with
 */
export function hearing(
  first: Permit,
  { health, lookNow, listens, isGet, inSession }: HearingOptions,
): ExchangeOptions['heard'] {
  let permit: Permit | undefined = first;
  let hasBegun = false;
  return (heard, status) => {
    if (permit === undefined) return;
    if (heard.kind === 'began') {
      health.found(permit);
      // What is known by now of a trial lets others pass, however long it goes on.
      permit = 'normal';
      hasBegun = true;
      return;
    }
    // How a stream ends that only listens says nothing; nor does a GET that fails, as servers may wait with its headers.
    const saysNothing = (listens && hasBegun) || (isGet && heard.kind === 'failed');
    if (heard.kind === 'abandoned' || saysNothing) health.abandoned(permit);
    else if (heard.kind === 'failed') health.failed(permit, heard.fault);
    else if (heard.kind === 'answered') health.answered(permit);
    else health.found(permit);
    permit = undefined;
    const isRefused = heard.kind === 'failed' && heard.fault.kind === 'unauthorized';
    if (isRefused || (status === 404 && inSession)) lookNow();
  };
}

/** Tells an upstream's health what becomes of answers that come on another stream than that of their request. */
export const hearingOwed =
  (health: Health) =>
  (fault: Fault | undefined): void => {
    if (fault) health.failed('normal', fault);
    else health.answered('normal');
  };
