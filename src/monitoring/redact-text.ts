import { flatCopy } from './flat-copy.ts';
import { isSecretName, isShortName } from './secret-names.ts';

/** Stands where a secret was. */
export const REDACTED = '[redacted]';

/** Beyond this a text is not looked at, in characters: the event loop waits meanwhile. */
export const MAX_LENGTH = 10_000;

/** Characters looked at beyond those that are logged, so that a secret that is cut off is recognised. */
export const MARGIN = 1000;

/** Secrets that can be told by what they look like. Bounded, so that no text takes long to look through. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // The end may be cut off.
  [/-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[^]*?(?:-{4,5} ?END [A-Z0-9 ]{0,50}-{4,5}|$)/g, REDACTED],
  // JSON in base64url: a JWT, signed or encrypted.
  [/eyJ[\w-]{5,}(?:\.[\w-]*){0,4}/g, REDACTED],
  [/\b(bearer|basic)\s+[\w.~+/-]{8,}=*/gi, `$1 ${REDACTED}`],
  // The user and password of a URL (RFC 3986, section 3.2.1); in a password that was not encoded, anything.
  [
    /\b([a-z][a-z0-9+.-]{0,30}:\/\/)(?:[^\s/?#@]*@|[^\s/?#@:]*:(?!\d{1,5}[/?#])[^\s"'<>]{0,256}@)/gi,
    `$1${REDACTED}@`,
  ],
  // The user and password that a command line has for curl.
  [
    /(?<![\w-])(-u|--(?:proxy-)?user)([ \t=]*)(?:"[^":]{0,100}:[^"]*"?|'[^':]{0,100}:[^']*'?|[^\s"':]{0,100}:(?!\/\/)\S+)/gi,
    `$1$2${REDACTED}`,
  ],
  [/\b(?:gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|sk-|npm_|hf_|AKIA|ASIA|AIza)[\w-]{10,}/g, REDACTED],
];

/** A text, or its beginning, without what looks like a secret. */
export function redactText(text: string, length = MAX_LENGTH): string {
  const seen = text.slice(0, length + MARGIN);
  const safe = withoutNamed(PATTERNS.reduce((rest, [pattern, left]) => rest.replace(pattern, left), seen));
  // A secret that the end cuts in two was not recognised, so the end is left out.
  const whole = seen.length === text.length || safe.endsWith(REDACTED) ? safe : safe.slice(0, -MARGIN);
  return flatCopy(whole.slice(0, length));
}

/** A name and what stands between it and its value: `=`, `: `, `"]:`, `=>`, `%3D`; only a blank for `--name`. */
const NAME = /(?<![\w-])([\w-]+)((?:["'`\])\\]*[ \t]*(?:[:=]+>?|%3[ad])|(?=\s))[ \t]*)/gi;

/** A text without the values of those names in it that are names of secrets. */
function withoutNamed(text: string): string {
  let kept = '';
  let from = 0;
  NAME.lastIndex = 0;
  for (let found = NAME.exec(text); found; found = NAME.exec(text)) {
    const [whole, name = '', separator = ''] = found;
    const start = found.index + whole.length;
    if (!isNamed(text, found.index, name, separator) || PLACE.test(text.slice(start, start + 20))) continue;
    const end = endOfValue(text, start, name);
    if (end === start) continue;
    kept += text.slice(from, start) + REDACTED;
    from = end;
    NAME.lastIndex = end;
  }
  return kept + text.slice(from);
}

/** A line and a column, behind the name of a file. */
const PLACE = /^\d+:\d+(?!\d)/;

/** Whether a secret follows. In plain sentences, such as `Duplicate key: id`, fewer words say so. */
function isNamed(text: string, index: number, name: string, separator: string): boolean {
  if (!isSecretName(name) || /(?:error|exception|warning)$/i.test(name)) return false;
  if (separator.trim() === '') return name.startsWith('--');
  if (!isShortName(name) || !/^[ \t]*:/.test(separator)) return true;
  return (
    /key/i.test(name) &&
    /\b(?:api|access|auth|private|secret|signing) $/i.test(text.slice(0, index).slice(-12))
  );
}

/** Names of headers, whose values take the rest of the line. */
const HEADER = /authori[sz]ation|cookie/i;

const QUOTE = /\\*["'`]/y;
const REST_OF_LINE = /[^\r\n]*/y;
/** As far as the next `name=` or `name:`. */
const UNQUOTED = /[^\r\n]*?(?=(?<![\s,;&|])[\s,;&|]+["'\\]*[a-z_][\w.-]*["'\\]*[ \t]*[:=]|%26|[\r\n]|$)/iy;
/** The indented lines that follow, but for those of a stack. */
const INDENTED = /(?:[|>][+-]?)?(?:\r?\n[ \t]+(?!at )[^\r\n]*|\r?\n[ \t]*(?=\r?\n))+/y;
/** What may follow a value that has an end of its own. */
const BEHIND = /[ \t]*(?:$|[\r\n,;)}\]&\\"'`]|[a-z_][\w.-]*["'\\]*[ \t]*[:=])/iy;

/** Where the value that begins at `start` ends; rather too late than too soon. */
function endOfValue(text: string, start: number, name: string): number {
  const indented = endOf(INDENTED, text, start);
  if (indented !== undefined) return indented;
  const end = endOfQuoted(text, start) ?? endOfBracketed(text, start);
  if (end !== undefined && endOf(BEHIND, text, end) !== undefined) return end;
  return endOf(HEADER.test(name) ? REST_OF_LINE : UNQUOTED, text, end ?? start) ?? text.length;
}

/** Where a match that begins at `start` ends, if there is one. */
function endOf(pattern: RegExp, text: string, start: number): number | undefined {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/** The end of what is in quotes, which are escaped where JSON is within JSON. */
function endOfQuoted(text: string, start: number): number | undefined {
  const opened = endOf(QUOTE, text, start);
  if (opened === undefined) return undefined;
  const quote = text.slice(start, opened);
  let close = text.indexOf(quote, opened);
  while (close !== -1 && text[close - 1] === '\\') close = text.indexOf(quote, close + quote.length);
  return close === -1 ? text.length : close + quote.length;
}

/** The end of a list or an object. */
function endOfBracketed(text: string, start: number): number | undefined {
  if (!'[{'.includes(text[start] ?? ' ')) return undefined;
  let depth = 0;
  let index = start;
  while (index < text.length) {
    const character = text[index] ?? '';
    if ('[{'.includes(character)) depth += 1;
    else if (']}'.includes(character)) depth -= 1;
    const quoted = endOfQuoted(text, index);
    index = quoted ?? index + 1;
    if (depth === 0) return index;
  }
  return index;
}
