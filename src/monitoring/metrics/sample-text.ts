/**
 * The names of a family and of its samples. OpenMetrics 1.0.0, "Counter": the family is named without the suffix that its
 * samples must have.
 */
export function familyNames(
  name: string,
  type: string,
  isOpenMetrics: boolean,
): { readonly family: string; readonly sample: string } {
  if (type !== 'counter' || !isOpenMetrics) return { family: name, sample: name };
  const family = name.replace(/_total$/, '');
  return { family, sample: `${family}_total` };
}

/** The lines before a family's samples. */
export const familyHead = (family: string, help: string, type: string): string =>
  `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${type}\n`;

/** The values of a sample's labels; those that are `undefined` are left out. */
export type LabelValues = Readonly<Record<string, string | number | undefined>>;

/**
 * Labels as both text formats write them, without braces.
 * @param defaults what a registry adds to those that a sample does not have itself
 */
export function labelsText(own: LabelValues, defaults?: LabelValues): string {
  let text = '';
  const labels = defaults ? { ...own, ...defaults, ...own } : own;
  for (const name in labels) {
    const value = labels[name];
    if (value !== undefined) text += `${text === '' ? '' : ','}${name}="${escapeLabel(String(value))}"`;
  }
  return text;
}

/** A sample's name and its labels. */
export const sampleStart = (name: string, labels: string): string =>
  labels === '' ? `${name} ` : `${name}{${labels}} `;

const NEEDS_ESCAPE = /["\\\n]/;
const escapeLabel = (value: string): string =>
  NEEDS_ESCAPE.test(value) ? escapeHelp(value).replaceAll('"', '\\"') : value;

const escapeHelp = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

export const numberText = (value: number): string =>
  value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
