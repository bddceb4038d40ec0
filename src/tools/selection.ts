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
  }: {
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
    ...problemsOfNames(toolsets, { 'tools.enabled': enabled, 'tools.disabled': disabled }),
    ...problemsOfRights(toolsets, granted),
    ...Object.entries(named).flatMap(([setting, names]) =>
      names
        .filter((name) => !tools.has(name))
        .map((name) => `${setting}: there is no tool ${name}${didYouMean(name, tools)}`),
    ),
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
export const problemsOfRights = (toolsets: readonly Toolset[], granted: NamesByPlace): readonly string[] => [
  ...problemsOfNames(toolsets, granted),
  ...Object.entries(granted).flatMap(([place, names]) =>
    names
      .filter((name) => meansMore(toolsets, name))
      .map((name) => `${place}: ${name} names more than one tool or toolset; rename one of them`),
  ),
];

function problemsOfNames(toolsets: readonly Toolset[], lists: NamesByPlace): readonly string[] {
  const known = new Set([
    '*',
    ...toolsets.flatMap(({ name, tools }) => [name, ...tools.map((tool) => tool.name)]),
  ]);
  return Object.entries(lists).flatMap(([place, names]) =>
    names
      .filter((name) => !known.has(name))
      .map((name) => `${place}: there is no tool or toolset ${name}${didYouMean(name, known)}`),
  );
}

/** Whether a name is that of several toolsets, or of a tool and a toolset with more than that tool. */
function meansMore(toolsets: readonly Toolset[], name: string): boolean {
  const named = toolsets.filter((toolset) => toolset.name === name);
  const isTool = toolsets.some(({ tools }) => tools.some((tool) => tool.name === name));
  const others = named.some(({ tools }) => tools.some((tool) => tool.name !== name));
  return named.length > 1 || (isTool && others);
}
