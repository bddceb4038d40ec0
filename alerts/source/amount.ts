/** A number of a rule, or the mark that the chart's template replaces by one: `@availability.budget*14.4@`. */
export type Amount = number | Mark;
export type Mark = `@${string}@`;

/** A multiple of an amount, with six digits. */
export const times = (factor: number, amount: Amount): Amount =>
  typeof amount === 'number'
    ? Number((factor * amount).toPrecision(6))
    : `@${amount.slice(1, -1)}*${factor}@`;

/** The share of calls that may be bad, for an objective in percent. */
export function budgetOf(objective: number): number;
export function budgetOf(objective: Amount): Amount;
export function budgetOf(objective: Amount): Amount {
  return typeof objective === 'number'
    ? Number((1 - objective / 100).toPrecision(6))
    : `@${objective.slice(1, -1).replace('objective', 'budget')}@`;
}
