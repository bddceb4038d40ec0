import { didYouMean } from './near-names.ts';
import type { OfferedTool } from './offered-tool.ts';

/**
 * What is wrong with names of arguments in a setting, by tool. Only a schema that refuses all but its properties says which
 * arguments there are.
 */
export const problemsOfArguments = (
  setting: string,
  named: Readonly<Record<string, readonly string[]>>,
  tools: readonly Pick<OfferedTool, 'name' | 'listing'>[],
): readonly string[] =>
  tools.flatMap(({ name: tool, listing: { inputSchema } }) => {
    if (!Object.hasOwn(named, tool) || inputSchema['additionalProperties'] !== false) return [];
    if ('patternProperties' in inputSchema) return [];
    const known = Object.keys(Object(inputSchema['properties']) as object);
    const unknown = (named[tool] ?? []).filter((name) => !known.includes(name));
    return unknown.map(
      (name) => `${setting}: the tool ${tool} has no argument ${name}${didYouMean(name, known)}`,
    );
  });
