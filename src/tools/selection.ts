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

/** How names are looked up. */
interface Lookup {
  /** Toolsets that did not load as a whole, so that their tools are not known. */
  readonly unloaded: readonly string[];
  /** What to do besides about a name that is not known, as a part of the message. */
  readonly advice: (place: string) => string;
}

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
    ...lookup
  }: Partial<Lookup> & {
    readonly enabled: readonly string[];
    readonly disabled: readonly string[];
    /** Lists of the same kind that give rights, by where they stand: no name in them may mean two things. */
    readonly granted?: NamesByPlace;
    /** Names of single tools that other settings hold, by setting. */
    readonly named?: NamesByPlace;
  },
): Selection {
  const tools = new Set(toolsets.flatMap((toolset) => toolset.tools.map(({ name }) => name)));
  const problems = [
    ...problemsOfNames(toolsets, { 'tools.enabled': enabled, 'tools.disabled': disabled }, lookup),
    ...problemsOfRights(toolsets, granted, lookup),
    ...unknownNames('tool', tools, named, lookup),
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
  lookup: Partial<Lookup> = {},
): readonly string[] => [
  ...problemsOfNames(toolsets, granted, lookup),
  ...Object.entries(granted).flatMap(([place, names]) =>
    names
      .filter((name) => meansMore(toolsets, name))
      .map((name) => `${place}: ${name} names more than one tool or toolset; rename one of them`),
  ),
];

function problemsOfNames(
  toolsets: readonly Toolset[],
  lists: NamesByPlace,
  lookup: Partial<Lookup>,
): readonly string[] {
  const known = ['*', ...toolsets.flatMap(({ name, tools }) => [name, ...tools.map((tool) => tool.name)])];
  return unknownNames('tool or toolset', new Set(known), lists, lookup);
}

function unknownNames(
  kind: 'tool' | 'tool or toolset',
  known: ReadonlySet<string>,
  lists: NamesByPlace,
  { unloaded = [], advice = () => '' }: Partial<Lookup>,
): readonly string[] {
  return Object.entries(lists).flatMap(([place, names]) => {
    const unknown = names.filter((name) => !known.has(name) && !unloaded.includes(name));
    if (unloaded.length === 0)
      return unknown.map(
        (name) => `${place}: there is no ${kind} ${name}${advice(place)}${didYouMean(name, known)}`,
      );
    return unknown.length === 0
      ? []
      : [`${place}: not found: ${unknown.join(', ')}; correct what is not in the modules above`];
  });
}

/** Whether a name is that of several toolsets, or of a tool and a toolset with more than that tool. */
function meansMore(toolsets: readonly Toolset[], name: string): boolean {
  const named = toolsets.filter((toolset) => toolset.name === name);
  const isTool = toolsets.some(({ tools }) => tools.some((tool) => tool.name === name));
  const others = named.some(({ tools }) => tools.some((tool) => tool.name !== name));
  return named.length > 1 || (isTool && others);
}
