/** What a caller may use: tools and toolsets by name, or `*` for all there are or will be. */
export type Rights = readonly string[];

/** What each of some scopes, or groups, allows. */
export type Grants = Readonly<Record<string, Rights>>;

/** The scopes of a token, and what those allow that its issuer can grant. */
export interface Scopes {
  readonly held: readonly string[];
  readonly grants: Grants;
}

/** Who has rights. */
interface Holder {
  readonly rights: Rights;
}

/** What rights are decided by. */
interface NamedTool {
  readonly name: string;
  readonly toolset: string;
}

/** Whether a list has a tool in it: by its name, by that of its toolset, or by `*`. */
export const isNamed = (list: readonly string[], { name, toolset }: NamedTool): boolean =>
  list.includes('*') || list.includes(toolset) || list.includes(name);

/** Whether a caller may use a tool. */
export const mayUse = ({ rights }: Holder, tool: NamedTool): boolean => isNamed(rights, tool);

/** Whether a caller may use all that another MCP server has, tools and whatever else: each of its tools has its name as toolset. */
export const mayUseServer = ({ rights }: Holder, name: string): boolean =>
  rights.includes('*') || rights.includes(name);

/**
 * Whether a caller may read what all do: the metrics, and the status page. A static token is given to whoever has it for a purpose, such
 * as to scrape; an account of an issuer may be anybody's, and must be allowed everything.
 */
export const mayWatch = ({ id, rights }: Holder & { readonly id: string }): boolean =>
  !id.startsWith('jwt:') || rights.includes('*');

/** Those of the tools that a caller sees in lists and documents: what it may use. */
export const visibleTo = <Tool extends NamedTool>(caller: Holder, tools: readonly Tool[]): readonly Tool[] =>
  tools.filter((tool) => mayUse(caller, tool));

/**
 * The scopes that a token needs so that its bearer may do something: those that it has, because many clients ask for what they
 * are told and no more, and the first in the settings that allows it.
 * @param mayDo one of the functions above
 * @returns `undefined` where no scope would do
 */
export function scopesFor(
  { scopes }: { readonly scopes?: Scopes | undefined },
  mayDo: (holder: Holder) => boolean,
): readonly string[] | undefined {
  if (!scopes) return undefined;
  const { held, grants } = scopes;
  const [needed] = Object.entries(grants).find(([, rights]) => mayDo({ rights })) ?? [];
  return needed === undefined ? undefined : [...held, needed];
}
