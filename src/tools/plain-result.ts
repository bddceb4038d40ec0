const FIELDS: ReadonlySet<string> = new Set(['content', 'structuredContent', 'isError']);
const BLOCK_FIELDS: ReadonlySet<string> = new Set(['type', 'text']);

/**
 * Whether a result is one of MCP, of any revision, that says nothing but texts, and a structured value perhaps. Most results are
 * like this: a validator would find nothing wrong with them, and takes long for it.
 */
export function isPlainResult(result: object): boolean {
  if (!hasOnly(result, FIELDS)) return false;
  const { content, isError } = result as Readonly<Record<string, unknown>>;
  return (
    Array.isArray(content) && content.every(isText) && (isError === undefined || typeof isError === 'boolean')
  );
}

function isText(block: unknown): boolean {
  if (typeof block !== 'object' || block === null || !hasOnly(block, BLOCK_FIELDS)) return false;
  const { type, text } = block as Readonly<Record<string, unknown>>;
  return type === 'text' && typeof text === 'string';
}

/** Whether an object has no other fields. */
export function hasOnly(given: object, fields: ReadonlySet<string>): boolean {
  for (const field in given) if (!fields.has(field)) return false;
  return true;
}
