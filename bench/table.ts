/** One comparison, as the table shows it. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly reference?: string;
  readonly ratio?: string;
  /** Where the ratio lies with a confidence of 95 %. */
  readonly interval?: string;
  readonly aim?: string;
  /** Missing when there is no aim, and the row is there to know. */
  readonly met?: boolean;
}

const HEAD = ['what', 'ours', 'reference', 'ratio', '95 %', 'aim', 'met'];

/** Writes rows as a Markdown table. */
export function markdown(rows: readonly Row[]): string {
  const cells = rows.map(({ what, ours, reference = '', ratio = '', interval = '', aim = '', met }) => [
    what,
    ours,
    reference,
    ratio,
    interval,
    aim,
    met === undefined ? '' : met ? 'yes' : '**no**',
  ]);
  return [HEAD, HEAD.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |\n`).join('');
}

export const times = (ratio: number): string => `${ratio.toFixed(2)}×`;
export const percentMore = (ratio: number): string => `${((ratio - 1) * 100).toFixed(1)} %`;
export const micros = (value: number): string => `${value.toFixed(0)} µs`;
export const fewMicros = (value: number): string => `${value.toFixed(1)} µs`;
export const fewMillis = (value: number): string => `${value.toFixed(2)} ms`;
/** A difference, with its sign. */
export const moreMillis = (value: number): string => `${value < 0 ? '-' : '+'}${fewMillis(Math.abs(value))}`;
export const millis = (value: number): string => `${value.toFixed(1)} ms`;
export const kibibytes = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`;
export const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`;
