import { z } from 'zod';
import { failure, type ToolFailure } from '../result.ts';

/** The characters a text may have that a tool only reads: 1 MiB of ASCII. */
export const MAX_READ_CHARACTERS = 1_048_576;
/** The characters a text may have that comes back in another form. */
export const MAX_CONVERTED_CHARACTERS = 262_144;
/** The bytes of a result in both forms it is sent in, within the server's default limit of 1 MiB. */
const MAX_RESULT_BYTES = 1_000_000;

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** A string argument with a stated cap and no unpaired surrogates, which have no UTF-8 form (RFC 3629). */
export function boundedText(description: string, maxCharacters: number) {
  return z
    .string()
    .max(maxCharacters)
    .refine((text) => text.isWellFormed(), 'must not contain unpaired surrogates')
    .describe(`${description} At most ${maxCharacters} characters.`);
}

/** The result, or a failure that says it is too large: beyond the server's own limit it would count as a fault. */
export function boundedResult<Result>(result: Result): Result | ToolFailure {
  const text = typeof result === 'string' ? result : JSON.stringify(result);
  if (bytesOf(text) + bytesOf(result) <= MAX_RESULT_BYTES) return result;
  return failure(
    `The result is too large: as text and JSON together it exceeds ${MAX_RESULT_BYTES} bytes. Use a smaller input.`,
  );
}
