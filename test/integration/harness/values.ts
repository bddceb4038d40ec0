import type { Sample } from './prometheus-api.ts';

/** Values by the labels named, joined by spaces. */
export const valuesBy = (samples: readonly Sample[], ...names: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    samples.map(({ labels, value }) => [names.map((name) => labels[name]).join(' '), value]),
  );
