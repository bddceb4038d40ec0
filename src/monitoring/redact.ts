const REDACTED = '[redacted]';

/** What secrets look like in text, and what is left of them. Bounded, so that no text takes long to look through. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic)\s+[\w.~+/-]{8,}=*/gi, `$1 ${REDACTED}`],
  // The user and password of a URL (RFC 3986, section 3.2.1).
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#@]*@/gi, `$1${REDACTED}@`],
  [
    /\b([\w-]{0,40}(?:password|passwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|signature|credential)s?["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi,
    `$1${REDACTED}`,
  ],
];

const SECRET_NAME = /pass(word|wd|phrase)|secret|token|key$|authorization|credential|cookie/i;

/** A text, or its beginning, without what looks like a secret. */
export const redactText = (text: string, length = MAX_LENGTH): string =>
  PATTERNS.reduce((rest, [pattern, left]) => rest.replace(pattern, left), text.slice(0, length));

/** Beyond this a text is not looked at, in characters: the event loop waits meanwhile. */
const MAX_LENGTH = 10_000;

/** Characters looked at beyond those that are logged, so that a secret that is cut off is recognised. */
const MARGIN = 1000;

/** A value as a text that may be logged: JSON, unless it is text itself, without secrets, at most `length` long. */
export function redactValue(name: string, value: unknown, length: number): string {
  if (SECRET_NAME.test(name)) return REDACTED;
  const text = typeof value === 'string' ? value : jsonOf(value);
  const safe = redactText(text, length + MARGIN);
  return safe.length > length ? `${safe.slice(0, length)}… (${text.length} characters)` : safe;
}

/** A value as JSON; what is no JSON by its kind, as `[object BigInt]`. */
function jsonOf(value: unknown): string {
  try {
    const json = JSON.stringify(value) as string | undefined;
    if (json !== undefined) return json;
  } catch {
    // A circle, or a number that is too large.
  }
  return Object.prototype.toString.call(value);
}
