/** A beginning of more names than this says nothing of which is meant. */
const MAX_BEGUN = 4;

/** As many are suggested: whose names they are may have many that are alike. */
const MAX_MEANT = 4;

/**
 * The names that may be meant by one that is none of them: another case, or one letter missing, too many, wrong, or swapped with the
 * next; or the few that it begins, as `timeout` begins `timeoutSeconds`. Of one that is like none, nothing.
 */
export function nearNames(given: string, names: Iterable<string>): readonly string[] {
  const wanted = given.toLowerCase();
  const all = [...names];
  const begun = all.filter((name) => name.toLowerCase().startsWith(wanted));
  return all.filter(
    (name) =>
      isNear(wanted, name.toLowerCase()) ||
      (wanted !== '' && begun.length <= MAX_BEGUN && begun.includes(name)),
  );
}

/** As ends a message that refuses names: empty when nothing is like one of them. */
export function didYouMean(given: string | readonly string[], names: Iterable<string>): string {
  const near = new Set([given].flat().flatMap((each) => nearNames(each, names)));
  return near.size === 0 ? '' : `; did you mean ${[...near].slice(0, MAX_MEANT).join(', ')}?`;
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
