import { MARGIN, MAX_LENGTH, REDACTED, redactText } from './redact-text.ts';
import { isSecretName } from './secret-names.ts';

/** Deeper than this a value is not looked at. */
const MAX_DEPTH = 12;

/** The longest name that is shown, in characters. */
const MAX_NAME = 100;

/** Characters that may still be written; everything that is looked at takes some. */
interface Budget {
  left: number;
}

/** A value as a text that may be logged: JSON, unless it is text itself, without secrets, at most `length` long. */
export function redactValue(name: string, value: unknown, length: number): string {
  if (isSecretName(name)) return REDACTED;
  const budget = { left: length + MARGIN };
  if (typeof value === 'string') {
    const safe = redactString(value, 0, budget);
    return safe.length > length || value.length > length + MARGIN
      ? `${safe.slice(0, length)}… (${value.length} characters)`
      : safe;
  }
  const text = jsonOf(value, budget);
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** A value as JSON; what is no JSON by its kind, as `[object BigInt]`. */
function jsonOf(value: unknown, budget: Budget): string {
  try {
    if (isData(value)) return JSON.stringify(copyOf(value, 0, budget));
  } catch {
    // A getter, a proxy or a toJSON that throws.
  }
  return kindOf(value);
}

const isData = (value: unknown): boolean => ['object', 'number', 'boolean', 'string'].includes(typeof value);
const kindOf = (value: unknown): string => Object.prototype.toString.call(value);

/** As much of a value as the budget allows, without secrets: names are judged before anything becomes text. */
function copyOf(value: unknown, depth: number, budget: Budget): unknown {
  if (typeof value === 'string') return redactString(value, depth, budget);
  budget.left -= 4;
  if (typeof value !== 'object' || value === null) return isData(value) ? value : kindOf(value);
  if (depth > MAX_DEPTH) return '…';
  if (ArrayBuffer.isView(value)) return kindOf(value);
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return copyOf((value.toJSON as () => unknown)(), depth + 1, budget);
  return Array.isArray(value) ? listOf(value, depth, budget) : mappingOf(value, depth, budget);
}

function listOf(value: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const copy: unknown[] = [];
  let before: unknown;
  for (let index = 0; index < value.length && budget.left > 0; index += 1) {
    const item = value[index];
    // As in lists of headers, and in command lines.
    const isSecret = isNameOfSecret(before) || isLogin(before, item);
    copy.push(isSecret ? redacted(budget) : copyOf(item, depth + 1, budget));
    before = item;
  }
  return copy;
}

/** Under what a mapping with the name of something has what that is. */
const VALUE_NAME = /^(?:values?|content|data|text)$/i;

function mappingOf(value: object, depth: number, budget: Budget): unknown {
  const entries: [string, unknown][] = [];
  const isPair = ['name', 'key', 'header'].some((label) =>
    isNameOfSecret((value as Readonly<Record<string, unknown>>)[label]),
  );
  for (const name in value) {
    if (budget.left <= 0) break;
    if (!Object.hasOwn(value, name)) continue;
    budget.left -= Math.min(name.length, MAX_NAME) + 4;
    const isSecret = isPair ? VALUE_NAME.test(name) : isSecretName(name.slice(0, MAX_LENGTH));
    entries.push([
      redactText(name, MAX_NAME),
      isSecret
        ? redacted(budget)
        : copyOf((value as Readonly<Record<string, unknown>>)[name], depth + 1, budget),
    ]);
  }
  return Object.fromEntries(entries);
}

function redacted(budget: Budget): string {
  budget.left -= REDACTED.length;
  return REDACTED;
}

/** Whether a value is the name of a secret: `authorization`, `--password`. */
const isNameOfSecret = (value: unknown): boolean =>
  typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) && isSecretName(value);

/** Whether an argument of a command line is a user and a password, as curl takes them. */
const isLogin = (before: unknown, value: unknown): boolean =>
  typeof before === 'string' &&
  /^(?:-u|--(?:proxy-)?user)$/i.test(before) &&
  typeof value === 'string' &&
  value.includes(':');

/** A text without secrets; one that is JSON by what it says, not by what it looks like. */
function redactString(text: string, depth: number, budget: Budget): string {
  const length = Math.max(0, budget.left);
  const copy = depth <= MAX_DEPTH && /^\s*[[{"]/.test(text) ? redactJson(text, depth, budget) : undefined;
  if (copy !== undefined) return copy;
  budget.left -= text.length;
  return redactText(text, length);
}

function redactJson(text: string, depth: number, budget: Budget): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const before = budget.left;
  const copy = JSON.stringify(copyOf(parsed, depth + 1, budget));
  if (copy !== JSON.stringify(parsed)) return copy;
  budget.left = before - text.length;
  return text;
}
