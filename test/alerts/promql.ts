import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** What the rules and dashboards use of PromQL, for checks of their shape; Prometheus itself checks the rest. */
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

export const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<=', '<', '>=', '>']);

/** Reads an expression; throws on what is no PromQL, and on what the rules do not use. */
export function readPromQL(text: string): Expression {
  const refuse = (node: SyntaxNode): never => {
    throw new Error(`cannot read ${node.name} at ${text.slice(node.from, node.from + 40)} in ${text}`);
  };
  const written = (node: SyntaxNode): string => text.slice(node.from, node.to);
  const childrenOf = (node: SyntaxNode | null): readonly SyntaxNode[] => {
    const children: SyntaxNode[] = [];
    for (let child = node?.firstChild; child; child = child.nextSibling) children.push(child);
    return children;
  };
  const child = (node: SyntaxNode, name: string): SyntaxNode => node.getChild(name) ?? refuse(node);
  const labels = (node: SyntaxNode): readonly string[] =>
    childrenOf(child(node, 'GroupingLabels')).map(written);

  const matcher = (node: SyntaxNode): Matcher => ({
    label: written(child(node, 'LabelName')),
    operator: written(child(node, 'MatchOp')),
    value: JSON.parse(written(child(node, 'StringLiteral'))) as string,
  });

  const read = (node: SyntaxNode): Expression => {
    if (node.name === 'NumberDurationLiteral') return { kind: 'number', value: Number(written(node)) };
    const children = childrenOf(node);
    const [first = refuse(node)] = children;
    const args = (): readonly Expression[] => childrenOf(child(node, 'FunctionCallBody')).map(read);
    switch (node.name) {
      case 'ParenExpr':
      case 'OffsetExpr':
        return read(first);
      case 'MatrixSelector':
      case 'SubqueryExpr': {
        const of = read(first);
        const window = /\[([^[]+)\]$/.exec(written(node))?.[1] ?? refuse(node);
        return of.kind === 'selector' ? { ...of, window } : refuse(node);
      }
      case 'VectorSelector': {
        const matchers = childrenOf(node.getChild('LabelMatchers')).map(matcher);
        return { kind: 'selector', name: written(child(node, 'Identifier')), matchers };
      }
      case 'FunctionCall':
        return { kind: 'call', name: written(first), args: args() };
      case 'AggregateExpr': {
        const modifier = node.getChild('AggregateModifier');
        if (modifier) child(modifier, 'By');
        return {
          kind: 'aggregation',
          name: written(first),
          by: modifier ? labels(modifier) : [],
          args: args(),
        };
      }
      case 'BinaryExpr': {
        const matching = node.getChild('MatchingModifierClause');
        if (matching) child(matching, 'On');
        if (node.getChild('BoolModifier')) refuse(node);
        const [, operator = refuse(node)] = children;
        const [left, right] = [read(first), read(children.at(-1) ?? refuse(node))];
        return {
          kind: 'binary',
          operator: written(operator),
          left,
          right,
          ...(matching && { on: labels(matching) }),
        };
      }
      default:
        return refuse(node);
    }
  };

  const { topNode } = parser.parse(text);
  topNode.cursor().iterate((node) => {
    if (node.type.isError) refuse(node.node);
  });
  return read(topNode.firstChild ?? refuse(topNode));
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
