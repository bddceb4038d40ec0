/**
 * The names that may be meant by one that is none of them: another case, or one letter missing, too many, wrong, or swapped with the
 * next. Of one that is like none, nothing.
 */
export const nearNames = (given: string, names: Iterable<string>): readonly string[] =>
  [...names].filter((name) => isNear(given.toLowerCase(), name.toLowerCase()));

/** As ends a message that refuses a name: empty when nothing is like it. */
export function didYouMean(given: string, names: Iterable<string>): string {
  const near = nearNames(given, names);
  return near.length === 0 ? '' : `; did you mean ${near.join(', ')}?`;
}

function isNear(one: string, other: string): boolean {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const [a = '', b = ''] = [one, other].map((text) => text.slice(start, text.length - end));
  const isSwapped = a.length === 2 && a === `${b.charAt(1)}${b.charAt(0)}`;
  return isSwapped || Math.max(a.length, b.length) <= 1;
}
