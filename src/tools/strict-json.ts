/**
 * JSON of a value; refuses what JSON.stringify would silently change or drop.
 * @throws TypeError that names the part, as for `{ports: new Map()}` "ports: a Map is not JSON"
 */
export function strictJson(value: unknown): string {
  const json = JSON.stringify(value, (key, part: unknown) => {
    if (isLostInJson(part)) throw new TypeError(`${key && `${key}: `}${nameOf(part)} is not JSON`);
    return part;
  }) as string | undefined;
  if (json === undefined) throw new TypeError('it is not JSON');
  return json;
}

/** Whether JSON would lose this value itself; a field that is `undefined` counts as left out, and as null in a list. */
function isLostInJson(part: unknown): boolean {
  if (typeof part === 'number') return !Number.isFinite(part);
  if (typeof part === 'object') return part !== null && hidesContent(part);
  return ['bigint', 'function', 'symbol'].includes(typeof part);
}

/** Kinds of objects that JSON writes whole, even if they have no fields. */
const WRITTEN: ReadonlySet<string> = new Set(['Object', 'Array', 'Number', 'Boolean', 'String']);

/** Whether what an object says is where JSON does not look, as in a Map, a Promise or an Error. */
function hidesContent(part: object): boolean {
  if (part instanceof Error || part instanceof ArrayBuffer || ArrayBuffer.isView(part)) return true;
  const kind = kindOf(part);
  return !WRITTEN.has(kind) && Object.keys(part).length === 0;
}

/** `Map` of a Map, `Object` of what has a class of somebody's own. */
const kindOf = (part: object): string => Object.prototype.toString.call(part).slice('[object '.length, -1);

/** As a message would call it: `NaN`, `a function`, `an Error`. */
export function nameOf(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value);
  const kind = typeof value === 'object' ? kindOf(value) : typeof value;
  return `${/^[AEIO]/i.test(kind) ? 'an' : 'a'} ${kind}`;
}
