/** What was given in the place of something else, in a few words for the message that refuses it. */
export function describeGiven(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  if (typeof given === 'function') return isClass(given) ? `the class ${given.name}` : 'a function';
  if (Array.isArray(given)) return 'a list';
  const name = typeof given === 'object' ? classOf(given) : typeof given;
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
}

const isClass = (given: { readonly name: string }): boolean =>
  given.name !== '' && /^class\b/.test(Function.prototype.toString.call(given));

/** The name of an object's class, without the underscores that bundlers put before it. */
function classOf(given: object): string {
  const made = (Object.getPrototypeOf(given) as { readonly constructor?: unknown } | null)?.constructor;
  return typeof made === 'function' && made.name !== '' && made !== Object
    ? made.name.replace(/^_+/, '')
    : 'object';
}
