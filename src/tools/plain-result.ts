import { FAILURE_META_KEY } from './reasons.ts';

const FIELDS: ReadonlySet<string> = new Set(['content', 'structuredContent', 'isError', '_meta']);
const META_FIELDS: ReadonlySet<string> = new Set([FAILURE_META_KEY]);
const BLOCK_FIELDS: ReadonlySet<string> = new Set(['type', 'text']);

/**
 * Whether a result is one of MCP, of any revision, that says nothing but texts, and perhaps a structured value or why it failed. Most results are
 * like this: a validator would find nothing wrong with them, and takes long for it.
 */
export function isPlainResult(result: object): boolean {
  if (!hasOnly(result, FIELDS)) return false;
  const { content, isError, _meta: meta } = result as Readonly<Record<string, unknown>>;
  return (
    Array.isArray(content) &&
    content.every(isText) &&
    (isError === undefined || typeof isError === 'boolean') &&
    (meta === undefined || (isObject(meta) && hasOnly(meta, META_FIELDS)))
  );
}

function isText(block: unknown): boolean {
  if (!isObject(block) || !hasOnly(block, BLOCK_FIELDS)) return false;
  const { type, text } = block;
  return type === 'text' && typeof text === 'string';
}

/** Whether a value is an object of JSON, and no list. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether an object has no other fields. */
export function hasOnly(given: object, fields: ReadonlySet<string>): boolean {
  for (const field in given) if (!fields.has(field)) return false;
  return true;
}
