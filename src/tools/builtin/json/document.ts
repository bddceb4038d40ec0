/** Nesting beyond this is refused (RFC 8259, section 9, lets a parser limit it): every walk below recurses. */
export const MAX_DEPTH = 100;

/** Copies beyond this are given up: indentation and YAML aliases can make a small document huge. */
const MAX_RESULT_CHARACTERS = 500_000;

/** Why a document cannot be used, in words for the caller. */
export class DocumentError extends Error {
  override name = 'DocumentError';
}

/** A number in the digits it was written with; `JSON.stringify` writes them unchanged. */
export interface RawJson {
  readonly rawJSON: string;
}

// TypeScript's library lacks these: https://github.com/tc39/proposal-json-parse-with-source
interface SourceAwareJson {
  readonly parse: (
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ) => unknown;
  readonly rawJSON: (text: string) => RawJson;
  readonly isRawJSON: (value: unknown) => value is RawJson;
}
const { parse, rawJSON, isRawJSON } = JSON as unknown as SourceAwareJson;

/** Whether a value of a parsed document is a number. */
export const isRawJson: SourceAwareJson['isRawJSON'] = isRawJSON;

/** Parses JSON with every number kept as the digits it was written with, so that none is rounded on the way. */
export function parseJson(argument: string, text: string): unknown {
  try {
    return parse(text, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined ? rawJSON(source) : value,
    );
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    // The engine's message quotes the input; its position is all that may leave.
    const position = error instanceof Error ? /\(line \d+ column \d+\)/.exec(error.message)?.[0] : undefined;
    throw new DocumentError(
      `${argument} is not valid JSON${position ? ` ${position}` : ''}. Use double quotes, no trailing commas, no comments and no NaN.`,
    );
  }
}

/** The answer to a document that nests beyond `MAX_DEPTH`. */
export function tooDeep(): DocumentError {
  return new DocumentError(`The document is nested too deeply: at most ${MAX_DEPTH} levels are allowed.`);
}

/** What `copy` makes of a document. */
export interface CopyOptions {
  /** Turns a number kept as its digits, a bigint or a float into what the result needs. */
  readonly number: (value: RawJson | bigint | number) => unknown;
  /** Puts integer-like keys first, in ascending order, and then the others by code unit. */
  readonly sortKeys: boolean;
  /** Spaces per level that the result will be written with; they count towards its size. */
  readonly indent: number;
}

/** Copies a parsed document into plain data within the depth and size limits, or throws a `DocumentError`. */
export function copy(document: unknown, { number, sortKeys, indent }: CopyOptions): unknown {
  let characters = 0;
  const count = (size: number) => {
    characters += size;
    if (characters <= MAX_RESULT_CHARACTERS) return;
    throw new DocumentError(
      `The result would exceed ${MAX_RESULT_CHARACTERS} characters. Use a smaller document, less indentation or fewer aliases.`,
    );
  };

  const visit = (value: unknown, depth: number): unknown => {
    if (depth > MAX_DEPTH) throw tooDeep();
    count(1 + indent * depth);
    if (typeof value === 'string') count(value.length);
    if (typeof value === 'number' || typeof value === 'bigint' || isRawJson(value)) {
      const converted = number(value);
      count(isRawJson(converted) ? converted.rawJSON.length : 1);
      return converted;
    }
    if (Array.isArray(value)) return value.map((item) => visit(item, depth + 1));
    if (typeof value !== 'object' || value === null) return value;
    const keys = Object.keys(value);
    if (sortKeys) keys.sort();
    // Object.fromEntries defines own properties, so a key named __proto__ stays data.
    return Object.fromEntries(
      keys.map((key) => {
        count(key.length);
        return [key, visit((value as Record<string, unknown>)[key], depth + 1)];
      }),
    );
  };
  return visit(document, 0);
}

/** A number that JSON text can carry as it is. */
export function toRawJson(value: RawJson | bigint | number): RawJson {
  if (isRawJson(value)) return value;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new DocumentError('The document contains NaN or Infinity, which JSON cannot express.');
  }
  return rawJSON(String(value));
}

/** A number that loses nothing as a JavaScript number, or as a bigint where `allowBigInt`. */
export function toNumber(value: RawJson | bigint | number, allowBigInt: boolean): number | bigint {
  const source = isRawJson(value) ? value.rawJSON : String(value);
  const converted = Number(source);
  if (!Number.isFinite(converted)) {
    throw new DocumentError(
      'The document contains a number outside the range of double precision, NaN or Infinity.',
    );
  }
  if (Number.isSafeInteger(converted) || !/^-?\d+$/.test(source)) return converted;
  if (allowBigInt) return BigInt(source);
  throw new DocumentError(
    'The value contains an integer beyond ±9007199254740991, which would be rounded. Choose a narrower json_path.',
  );
}
