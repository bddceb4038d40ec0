/** Anywhere in a name, without what separates its words, in lower case. */
const ANYWHERE =
  /passw|passphrase|passcode|pwd|secret|token|authori[sz]ation|credential|cookie|signature|bearer|jwt|sessionid|connectionstring/;

/** Endings of the last word of a secret's name, as in `SMTP_PASS`, `dbpass` and `apikey`, except words of everyday English. */
const LAST_WORD = /(?:keys?|pass|auth|dsn)$|^(?:pin|otp|sig|sid|cvv|cvc|csrf|xsrf)$/;
const EVERYDAY = /^(?:(?:mon|tur|don|hoc|joc|whis|lac|turn)keys?|(?:com|by|tres|over|under|sur|encom)pass)$/;

/** Words that alone do not prove a secret before a colon: `key: id`. */
const SHORT = /^(?:pass|auth|pin|otp|sig|sid|cvv|cvc|csrf|xsrf|dsn|keys?)$/;

/** Words that may follow the name of a secret: `PIN_CODE`, `private_key_pem`. */
const BEHIND = /^(?:code|pem)$/;

/** Longest last word of a name that is looked at, in characters. */
const MAX_WORD = 64;

const WORD_BEGINS = /(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z]+/;

const joined = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '');

/** Whether what has this name is a secret, however its words are written together. */
export function isSecretName(name: string): boolean {
  if (ANYWHERE.test(joined(name))) return true;
  const words = name
    .slice(-MAX_WORD)
    .split(WORD_BEGINS)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
  const last = words.findLast((word, index) => index === 0 || !BEHIND.test(word)) ?? '';
  return LAST_WORD.test(last) && !EVERYDAY.test(last);
}

/** Whether the name of a secret is a short word that also has other meanings. */
export const isShortName = (name: string): boolean => SHORT.test(joined(name));
