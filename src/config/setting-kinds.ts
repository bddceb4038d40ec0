import { z } from 'zod';
import type { Reading } from '../http/host-names.ts';

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
