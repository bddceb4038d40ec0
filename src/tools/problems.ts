/** What a validator says of a value: zod, or any library of Standard Schema. */
export interface Issue {
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly message: string;
}

/** Problems that are told at a time: a client can make as many as it sends bytes, and have them name all that it sent. */
export const MAX_PROBLEMS = 10;
const MAX_LENGTH = 200;

/**
 * What a validator found, one line a problem, each naming its place: a bounded number of bounded lines.
 * @param whole the place of what is wrong with all of it
 */
export const problemsIn = (
  issues: readonly Issue[],
  whole: string,
  reword = (message: string): string => message,
): readonly string[] =>
  issues.slice(0, MAX_PROBLEMS).map(({ path = [], message }) => {
    const place = path.map(keyOf).join('.');
    return `${place || whole}: ${reword(message)}`.slice(0, MAX_LENGTH);
  });

/**
 * The fields that a validator found something wrong in, as their schema names them: what a caller wrote is not among them.
 * @param fields of the schema
 * @param whole stands for all that is wrong elsewhere
 */
export const fieldsIn = (issues: readonly Issue[], fields: object, whole: string): readonly string[] => [
  ...new Set(
    issues
      .slice(0, MAX_PROBLEMS)
      .map(({ path: [first = ''] = [] }) => (Object.hasOwn(fields, keyOf(first)) ? keyOf(first) : whole)),
  ),
];

const keyOf = (part: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof part === 'object' ? part.key : part);
