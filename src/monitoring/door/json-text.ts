const MAX_DEPTH = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** What a client sent, or what is wrong with it, to be said of the body or line that it was. */
export type JsonText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

/** Reads JSON strictly: UTF-8, at most 64 levels deep, without the key `__proto__`. */
export function parseJson(bytes: Buffer): JsonText {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { ok: false, problem: 'is not valid UTF-8' };
  }
  if (mayBeDeep(text) && depthOf(text) > MAX_DEPTH)
    return { ok: false, problem: `is nested more than ${MAX_DEPTH} levels deep` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem: text === '' ? 'is empty; it must be JSON' : 'is not valid JSON' };
  }
  // Schemas that check the value later may drop this key silently, and a tool that copies it would change a prototype.
  if (MAY_SPELL_PROTO.test(text) && hasProto(value)) return { ok: false, problem: 'has the key __proto__' };
  return { ok: true, value };
}

const MAY_SPELL_PROTO = /__proto__|\\u00/;

function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto);
}

/** Whether there are as many brackets as it takes, which most texts do not have: that is much sooner known. */
function mayBeDeep(text: string): boolean {
  let brackets = 0;
  for (const bracket of ['{', '['])
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      brackets += 1;
      if (brackets > MAX_DEPTH) return true;
    }
  return false;
}

/** How deep the brackets of a JSON text nest. Counted in the text, so that nothing deep is ever parsed. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return deepest;
}
