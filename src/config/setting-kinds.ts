import { z } from 'zod';
import type { Reading } from '../http/host-names.ts';
import {
  DURATION_BUCKETS,
  highestOf,
  isAscending,
  MOST_FURTHER_BUCKETS,
} from '../monitoring/metrics/bounds.ts';

/** Marks a setting whose value must never be shown. */
export const secrets = z.registry<{ readonly secret: true }>();

export const port = z.int().min(0).max(65_535);
export const seconds = z.number().positive().max(86_400);
export const count = z.int().min(1);

/** A text that is compared with others: as it is to be written, or refused with how it would be. */
export const written = (read: (text: string) => Reading) =>
  z.string().transform((text, context) => {
    const reading = read(text);
    if (reading.ok) return reading.value;
    context.addIssue(reading.problem);
    return z.NEVER;
  });

/** Bounds of durations beyond those that are always there, in seconds. */
export const durationBuckets = z
  .array(z.number().gt(highestOf(DURATION_BUCKETS)).max(86_400))
  .max(MOST_FURTHER_BUCKETS)
  .refine(isAscending, 'must be in ascending order, each once');
