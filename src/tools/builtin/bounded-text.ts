import { z } from 'zod';

/** The characters a text argument may have unless its tool says otherwise: 1 MiB of ASCII. */
export const MAX_TEXT_CHARACTERS = 1_048_576;

/** A string argument with a stated cap and no unpaired surrogates, which have no UTF-8 form (RFC 3629). */
export function boundedText(description: string, maxCharacters = MAX_TEXT_CHARACTERS) {
  return z
    .string()
    .max(maxCharacters)
    .refine((text) => text.isWellFormed(), 'must not contain unpaired surrogates')
    .describe(`${description} At most ${maxCharacters} characters.`);
}
