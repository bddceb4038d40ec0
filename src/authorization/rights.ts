/** What a caller may use: tools and toolsets by name, or `*` for all there are or will be. */
export type Rights = readonly string[];

/** What rights are decided by. */
interface NamedTool {
  readonly name: string;
  readonly toolset: string;
}

/** Whether a list has a tool in it: by its name, by that of its toolset, or by `*`. */
export const isNamed = (list: readonly string[], { name, toolset }: NamedTool): boolean =>
  list.includes('*') || list.includes(toolset) || list.includes(name);

/** Whether a caller may use a tool. */
export const mayUse = ({ rights }: { readonly rights: Rights }, tool: NamedTool): boolean =>
  isNamed(rights, tool);

/** Whether a caller may use all that another MCP server has, tools and whatever else: each of its tools has its name as toolset. */
export const mayUseServer = ({ rights }: { readonly rights: Rights }, name: string): boolean =>
  rights.includes('*') || rights.includes(name);

/** Those of the tools that a caller sees in lists and documents: what it may use. */
export const visibleTo = <Tool extends NamedTool>(
  caller: { readonly rights: Rights },
  tools: readonly Tool[],
): readonly Tool[] => tools.filter((tool) => mayUse(caller, tool));
