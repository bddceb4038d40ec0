import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '../monitoring/logging.ts';
import { didYouMean } from '../tools/near-names.ts';
import type { ReadOptions } from './definitions.ts';

/** As many names are told of. */
const MAX_NAMES = 20;

type Lists = Pick<ReadOptions, 'include' | 'exclude'>;

interface Settings {
  readonly name: string;
  readonly prefix: string;
  readonly tools: Lists;
}

interface Unmatched {
  readonly list: keyof Lists;
  readonly name: string;
}

/** Names in `tools.include` and `tools.exclude` of an upstream that no tool of it has: such a name has no effect. */
export class UnmatchedNames {
  readonly #upstream: Settings;
  readonly #logger: Pick<Logger, 'warn'>;
  #told: readonly Unmatched[] = [];
  #why = '';

  constructor(upstream: Settings, logger: Pick<Logger, 'warn'>) {
    this.#upstream = upstream;
    this.#logger = logger;
  }

  /** What is wrong with the first of them; empty when there is none. */
  get why(): string {
    return this.#why;
  }

  /**
   * Warns of them, unless the last warning was of the same ones.
   * @param names of all tools that the upstream lists now
   */
  check(names: ReadonlySet<string>): void {
    const { name: upstream, prefix, tools } = this.#upstream;
    const unmatched = (['include', 'exclude'] as const).flatMap((list) =>
      tools[list].filter((name) => name !== '*' && !names.has(name)).map((name) => ({ list, name })),
    );
    if (isDeepStrictEqual(unmatched, this.#told)) return;
    this.#told = unmatched;
    const problems = unmatched
      .slice(0, MAX_NAMES)
      .map(({ list, name }) => `${list} names no tool of the upstream: ${name}${meant(name, prefix, names)}`);
    this.#why = problems[0] ?? '';
    if (problems.length > 0)
      this.#logger.warn({ upstream, problems }, 'settings of an upstream name tools that it does not have');
  }
}

function meant(name: string, prefix: string, names: ReadonlySet<string>): string {
  const withoutPrefix = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return didYouMean([name, withoutPrefix], names);
}
