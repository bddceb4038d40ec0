import { DocumentError, isRawJson } from './document.ts';

/** One step of a path: a name (an object's key, or digits for an array's index) or a bracketed index. */
type Step = { readonly key: string } | { readonly index: number };

const SYNTAX =
  'json_path is malformed. Write it like a.b[0].c, and a key with other characters like ["a.b"].';
const MAX_LISTED_KEYS = 10;
const MAX_KEY_CHARACTERS = 60;

// Sticky, so that each step is matched exactly where the one before it ended.
const FIRST_NAME = /([^.[\]"']+)/y;
const NAME = /\.([^.[\]"']+)/y;
const INDEX = /\[(\d{1,10})\]/y;
const QUOTED = /\[("(?:[^"\\]|\\.)*")\]/y;

/** Parses `a.b[0]["key"]`, with an optional `$` for the root in front; `undefined` when it is malformed. */
function parsePath(path: string): Step[] | undefined {
  const steps: Step[] = [];
  let position = /^\$(?:[.[]|$)/.test(path) ? 1 : 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = position;
    const match = pattern.exec(path)?.[1];
    if (match !== undefined) position = pattern.lastIndex;
    return match;
  };
  while (position < path.length) {
    const name = position === 0 ? take(FIRST_NAME) : take(NAME);
    const index = name === undefined ? take(INDEX) : undefined;
    const quoted = name === undefined && index === undefined ? take(QUOTED) : undefined;
    if (name !== undefined) steps.push({ key: name });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (quoted !== undefined) {
      try {
        steps.push({ key: JSON.parse(quoted) as string });
      } catch {
        return undefined;
      }
    } else return undefined;
  }
  return steps;
}

function listKeys(keys: readonly string[]): string {
  if (keys.length === 0) return 'it is empty';
  const shown = keys
    .slice(0, MAX_LISTED_KEYS)
    .map((key) =>
      JSON.stringify(key.length > MAX_KEY_CHARACTERS ? `${key.slice(0, MAX_KEY_CHARACTERS)}…` : key),
    );
  const hidden = keys.length - shown.length;
  return `its keys are ${shown.join(', ')}${hidden > 0 ? ` and ${hidden} more` : ''}`;
}

function follow(value: unknown, step: Step): { readonly value: unknown } | { readonly problem: string } {
  if (Array.isArray(value)) {
    const index = 'index' in step ? step.index : /^\d{1,10}$/.test(step.key) ? Number(step.key) : undefined;
    if (index === undefined) return { problem: 'an array takes an index such as [0], not a key' };
    return index < value.length
      ? { value: value[index] }
      : { problem: `the index is beyond the end of an array of length ${value.length}` };
  }
  if (typeof value !== 'object' || value === null || isRawJson(value)) {
    return { problem: 'the value there is neither an object nor an array' };
  }
  if ('index' in step)
    return { problem: `the value there is an object, not an array; ${listKeys(Object.keys(value))}` };
  // Own keys only: __proto__ and constructor are data here, or not there.
  if (Object.hasOwn(value, step.key)) return { value: (value as Record<string, unknown>)[step.key] };
  return { problem: `the object has no such key; ${listKeys(Object.keys(value))}` };
}

/** The part of a parsed document that a path leads to, or a `DocumentError` that says where the path ends. */
export function select(document: unknown, path: string): unknown {
  const steps = parsePath(path);
  if (!steps) throw new DocumentError(SYNTAX);
  let value = document;
  for (const [index, step] of steps.entries()) {
    const next = follow(value, step);
    if ('problem' in next) {
      throw new DocumentError(`json_path fails at step ${index + 1} of ${steps.length}: ${next.problem}.`);
    }
    value = next.value;
  }
  return value;
}
