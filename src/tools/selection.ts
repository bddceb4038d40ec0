import { isNamed } from '../authorization/rights.ts';
import { didYouMean } from './near-names.ts';
import type { Toolset } from './tool.ts';

interface Selection {
  readonly toolsets: readonly Toolset[];
  /** The names that name nothing, or too much. */
  readonly problems: readonly string[];
}

/** Lists of names, by where they stand. */
export type NamesByPlace = Readonly<Record<string, readonly string[]>>;

/** What to do besides about a name that is not known, as a part of the message. */
type Advice = (place: string) => string;

const NO_ADVICE: Advice = () => '';

/**
 * The toolsets reduced to the tools an operator wants: those enabled, less those disabled, each by the name of a
 * tool or a toolset, or `*`.
 */
export function selectTools(
  toolsets: readonly Toolset[],
  {
    enabled,
    disabled,
    granted = {},
    named = {},
    unloaded = [],
    advice = NO_ADVICE,
  }: {
    readonly enabled: readonly string[];
    readonly disabled: readonly string[];
    /** Lists of the same kind that give rights, by where they stand: no name in them may mean two things. */
    readonly granted?: NamesByPlace;
    /** Names of single tools that other settings hold, by setting. */
    readonly named?: NamesByPlace;
    /** Toolsets that did not load as a whole, so that their tools are not known. */
    readonly unloaded?: readonly string[];
    readonly advice?: Advice;
  },
): Selection {
  const tools = new Set(toolsets.flatMap((toolset) => toolset.tools.map(({ name }) => name)));
  const choices = { 'tools.enabled': enabled, 'tools.disabled': disabled };
  const problems =
    unloaded.length > 0
      ? [
          ...ambiguousNames(toolsets, granted),
          ...perhapsUnloaded(toolsets, { ...choices, ...granted, ...named }, unloaded),
        ]
      : [
          ...problemsOfNames(toolsets, choices, advice),
          ...problemsOfRights(toolsets, granted, advice),
          ...unknownNames('tool', tools, named, advice),
        ];
  const selected = toolsets.map((toolset) => ({
    ...toolset,
    tools: toolset.tools.filter(
      ({ name }) =>
        isNamed(enabled, { toolset: toolset.name, name }) &&
        !isNamed(disabled, { toolset: toolset.name, name }),
    ),
  }));
  return { toolsets: selected, problems };
}

/** What is wrong with lists that give rights: no name in them may mean nothing, or two things. */
export const problemsOfRights = (
  toolsets: readonly Toolset[],
  granted: NamesByPlace,
  advice = NO_ADVICE,
): readonly string[] => [...problemsOfNames(toolsets, granted, advice), ...ambiguousNames(toolsets, granted)];

const ambiguousNames = (toolsets: readonly Toolset[], granted: NamesByPlace): readonly string[] =>
  Object.entries(granted).flatMap(([place, names]) =>
    names
      .filter((name) => meansMore(toolsets, name))
      .map((name) => `${place}: ${name} names more than one tool or toolset; rename one of them`),
  );

const problemsOfNames = (
  toolsets: readonly Toolset[],
  lists: NamesByPlace,
  advice: Advice,
): readonly string[] => unknownNames('tool or toolset', namesOf(toolsets), lists, advice);

const namesOf = (toolsets: readonly Toolset[]): ReadonlySet<string> =>
  new Set(['*', ...toolsets.flatMap(({ name, tools }) => [name, ...tools.map((tool) => tool.name)])]);

const unknownNames = (
  kind: 'tool' | 'tool or toolset',
  known: ReadonlySet<string>,
  lists: NamesByPlace,
  advice: Advice,
): readonly string[] =>
  Object.entries(lists).flatMap(([place, names]) =>
    names
      .filter((name) => !known.has(name))
      .map((name) => `${place}: there is no ${kind} ${name}${advice(place)}${didYouMean(name, known)}`),
  );

/** Names that are not known, all in one line: they may be in a module that did not load, of which another line tells. */
function perhapsUnloaded(
  toolsets: readonly Toolset[],
  lists: NamesByPlace,
  unloaded: readonly string[],
): readonly string[] {
  const known = new Set([...namesOf(toolsets), ...unloaded]);
  const unknown = Object.entries(lists).flatMap(([place, names]) =>
    names.filter((name) => !known.has(name)).map((name) => `${name} (${place})`),
  );
  if (unknown.length === 0) return [];
  return [`not found, perhaps because a module above did not load: ${unknown.join(', ')}`];
}

/** Whether a name is that of several toolsets, or of a tool and a toolset with more than that tool. */
function meansMore(toolsets: readonly Toolset[], name: string): boolean {
  const named = toolsets.filter((toolset) => toolset.name === name);
  const isTool = toolsets.some(({ tools }) => tools.some((tool) => tool.name === name));
  const others = named.some(({ tools }) => tools.some((tool) => tool.name !== name));
  return named.length > 1 || (isTool && others);
}
