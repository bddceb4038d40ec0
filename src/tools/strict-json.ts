/**
 * JSON of a value; refuses what JSON.stringify would silently change or drop.
 * @throws TypeError that names the part, as for `{ports: [new Map()]}` "ports.0: a Map is not JSON; use Object.fromEntries(map)"
 */
export function strictJson(value: unknown): string {
  let isLost = false as boolean;
  const json = JSON.stringify(value, (_key, part: unknown) => {
    isLost ||= isLostInJson(part);
    return isLost ? undefined : part;
  }) as string | undefined;
  if (isLost) throw new TypeError(lossOf(value));
  if (json === undefined) throw new TypeError('it is not JSON');
  return json;
}

/** Which part of a value JSON would lose. Looked for only where there is one, because this takes longer. */
function lossOf(value: unknown): string {
  let loss = '';
  const places = new Map<unknown, string>();
  JSON.stringify(value, function (this: unknown, key, part: unknown) {
    const holder = places.get(this);
    const place = holder ? `${holder}.${key}` : key;
    if (loss === '' && isLostInJson(part))
      loss = `${place && `${place}: `}${nameOf(part)} is not JSON${insteadOf(part)}`;
    if (loss !== '') return undefined;
    places.set(part, place);
    return part;
  });
  return loss || 'it is not JSON';
}

const ONE_VALUE = '; return one value, and tell how far the call is by context.progress';

const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['Map', '; use Object.fromEntries(map)'],
  ['Set', '; use [...set]'],
  ['Promise', '; await it'],
  ['Generator', ONE_VALUE],
  ['AsyncGenerator', ONE_VALUE],
  ['ReadableStream', '; read it to its end, and return what it said'],
  ['Response', '; return what await response.json() or response.text() gives'],
]);

const insteadOf = (part: unknown): string =>
  typeof part === 'object' && part !== null ? (INSTEAD.get(kindOf(part)) ?? '') : '';

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

/** Whether a value can be sent to another thread, or from there. */
export function canBeCloned(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
