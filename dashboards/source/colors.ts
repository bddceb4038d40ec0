import { REASONS } from '../../src/tools/reasons.ts';
import type { Meaning } from './dashboard.ts';
import { PARAMETERS } from './limits.ts';

/** Warm colours for what counts against the objective, cold ones for what callers cause. */
const WARM = ['red', 'orange', 'purple', 'dark-red', 'yellow', 'dark-orange'];
const COLD = ['blue', 'light-blue', 'super-light-blue', 'dark-blue', 'semi-dark-blue', 'text'];

/** The colour of each reason a call can fail for. */
export const REASON_COLORS: Readonly<Record<string, string>> = Object.fromEntries(
  [true, false].flatMap((bad) =>
    REASONS.filter((reason) => PARAMETERS.badReasons.some((counts) => counts === reason) === bad).map(
      (reason, index) => [reason, (bad ? WARM : COLD)[index] ?? 'text'],
    ),
  ),
);

export const REASON_MEANINGS: Readonly<Record<string, Meaning>> = Object.fromEntries(
  Object.entries(REASON_COLORS).map(([reason, color]) => [reason, { color }]),
);

export const STATUS_COLORS = { success: 'green', error: 'red' } as const;
