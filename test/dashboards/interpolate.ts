import type { VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';

/** What is chosen for a variable: some values, or all. */
export type Choice = readonly string[] | 'all';

/** What Grafana puts in for `$__rate_interval` on a range of two days, where a point stands for five minutes. */
const RATE_INTERVAL = '5m';

/**
 * Puts values in the place of variables, as Grafana does in queries of Prometheus. Choosing nothing chooses all,
 * where there is an All; its custom value stands as it is, others are escaped.
 * Source: grafana/grafana, packages/grafana-prometheus/src/escaping.ts, and grafana/scenes, MultiValueVariable.ts.
 */
export function interpolate(
  text: string,
  variables: readonly VariableModel[],
  choices: Readonly<Record<string, Choice>> = {},
  rateInterval = RATE_INTERVAL,
): string {
  return text.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (written, inBraces?: string, bare?: string) => {
    const name = inBraces ?? bare ?? '';
    if (name === '__rate_interval') return rateInterval;
    const variable = variables.find((one) => one.name === name);
    if (!variable) throw new Error(`there is no variable ${written}`);
    const choice = choices[name] ?? 'all';
    if (choice === 'all' || choice.length === 0) return variable.allValue ?? '.*';
    const escaped = choice.map(escape);
    return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
  });
}

const escape = (value: string): string =>
  value.replaceAll('\\', '\\\\\\\\').replaceAll(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
