/** Deeper than anybody nests, and far from where writing or checking a value exhausts the stack. */
export const MAX_LEVELS = 256;

/** Whether a value as JSON has it is nested deeper than is relayed. */
export function isTooDeep(value: unknown, levels = MAX_LEVELS): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((each) => isTooDeep(each, levels - 1));
}
