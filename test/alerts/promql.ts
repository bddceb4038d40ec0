/**
 * A reader of the PromQL that the rules and dashboards are written in, for checks of their shape; Prometheus
 * itself checks the rest.
 */

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | Selector
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: 'aggregation';
      readonly name: string;
      readonly by: readonly string[];
      readonly args: readonly Expression[];
    }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
      /** The labels of `on (…)`. */
      readonly on?: readonly string[];
    };

export interface Selector {
  readonly kind: 'selector';
  readonly name: string;
  readonly matchers: readonly Matcher[];
  /** The window as written, with a subquery's step. */
  readonly window?: string;
}

interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

/** From weakest to strongest; `^` and unary operators are not used. */
const PRECEDENCE: readonly (readonly string[])[] = [
  ['or'],
  ['and', 'unless'],
  ['==', '!=', '<=', '<', '>=', '>'],
  ['+', '-'],
  ['*', '/', '%'],
];
export const COMPARISONS = new Set(PRECEDENCE[2]);

const AGGREGATIONS = new Set([
  'sum',
  'min',
  'max',
  'avg',
  'count',
  'group',
  'topk',
  'bottomk',
  'quantile',
  'stddev',
]);

const TOKEN =
  /\s*("(?:[^"\\]|\\.)*"|\d+(?:\.\d+)?(?:ms|[smhdwy])|\d+(?:\.\d+)?|[a-zA-Z_:][\w:]*|=~|!~|==|!=|<=|>=|[-+*/%<>=(){}[\],:])/y;

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new Error(`cannot read ${text.slice(at)}`);
    tokens.push(match[1] ?? '');
  }
  return tokens;
}

/** Reads an expression; throws on what the rules do not use. */
export function readPromQL(text: string): Expression {
  const tokens = [...tokensOf(text)];
  const peek = (): string => tokens[0] ?? '';
  const next = (): string => tokens.shift() ?? '';
  const take = (token: string): boolean => peek() === token && next() === token;
  const expect = (token: string): void => {
    if (!take(token)) throw new Error(`${token} expected before ${tokens.slice(0, 5).join(' ')} in ${text}`);
  };
  const list = <T>(open: string, close: string, item: () => T): readonly T[] => {
    const items: T[] = [];
    expect(open);
    while (!take(close)) {
      items.push(item());
      take(',');
    }
    return items;
  };

  const binary = (level: number): Expression => {
    const operators = PRECEDENCE[level];
    if (!operators) return operand();
    let left = binary(level + 1);
    while (operators.includes(peek())) {
      const operator = next();
      const on = take('on') ? list('(', ')', next) : undefined;
      if (take('group_left')) list('(', ')', next);
      left = { kind: 'binary', operator, left, right: binary(level + 1), ...(on && { on }) };
    }
    return left;
  };

  const operand = (): Expression => {
    if (peek() === '(') return windowed(list('(', ')', () => binary(0))[0]);
    const token = next();
    if (/^\d/.test(token)) return { kind: 'number', value: Number(token) };
    if (AGGREGATIONS.has(token)) {
      const by = take('by') ? list('(', ')', next) : [];
      return { kind: 'aggregation', name: token, by, args: list('(', ')', () => binary(0)) };
    }
    if (peek() === '(') return { kind: 'call', name: token, args: list('(', ')', () => binary(0)) };
    if (!/^[a-zA-Z_]/.test(token)) throw new Error(`${token} is no metric in ${text}`);
    const matchers = peek() === '{' ? list('{', '}', matcher) : [];
    return windowed({ kind: 'selector', name: token, matchers });
  };

  const matcher = (): Matcher => ({
    label: next(),
    operator: next(),
    value: JSON.parse(next()) as string,
  });

  const windowed = (of: Expression | undefined): Expression => {
    if (!of) throw new Error(`nothing between parentheses in ${text}`);
    if (peek() !== '[') return of;
    if (of.kind !== 'selector') throw new Error(`a window of no selector in ${text}`);
    const window = list('[', ']', next).join('');
    if (take('offset')) next();
    return { ...of, window };
  };

  const expression = binary(0);
  if (tokens.length > 0) throw new Error(`${tokens.join(' ')} left of ${text}`);
  return expression;
}

/** An expression and all within it, with the name of the function each is directly an argument of. */
export function walk(
  expression: Expression,
  within?: string,
): readonly { readonly node: Expression; readonly within?: string }[] {
  const here = { node: expression, ...(within !== undefined && { within }) };
  switch (expression.kind) {
    case 'number':
    case 'selector':
      return [here];
    case 'call':
      return [here, ...expression.args.flatMap((arg) => walk(arg, expression.name))];
    case 'aggregation':
      return [here, ...expression.args.flatMap((arg) => walk(arg))];
    case 'binary':
      return [here, ...walk(expression.left), ...walk(expression.right)];
  }
}

/** The labels of what an expression results in, given those of the series of a name. */
export function keptLabels(
  expression: Expression,
  labelsOf: (name: string) => ReadonlySet<string>,
): ReadonlySet<string> {
  switch (expression.kind) {
    case 'aggregation':
      return new Set(expression.by);
    case 'binary':
      return keptLabels(expression.left.kind === 'number' ? expression.right : expression.left, labelsOf);
    case 'call': {
      const labels = new Set(expression.args.flatMap((arg) => [...keptLabels(arg, labelsOf)]));
      if (expression.name === 'histogram_quantile') labels.delete('le');
      return labels;
    }
    case 'number':
      return new Set();
    case 'selector':
      return labelsOf(expression.name);
  }
}
