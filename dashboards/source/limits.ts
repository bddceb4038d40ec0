import { budgetOf, parametersSchema, type BurnWindow } from '../../alerts/source/parameters.ts';

/** The parameters of the rules that are shipped: what the lines in panels are drawn from. */
export const PARAMETERS = parametersSchema.parse({});

/** From this value on, the colour. */
export interface Limit {
  readonly from: number;
  readonly color: string;
}

export const GOOD = 'green';
export const TICKET = 'orange';
export const PAGE = 'red';

/** A limit below which it is not good. */
export const goodFrom = (from: number): Limit => ({ from, color: GOOD });
/** A limit beyond which a ticket, or a page, comes. */
export const ticketFrom = (from: number): Limit => ({ from, color: TICKET });
export const pageFrom = (from: number): Limit => ({ from, color: PAGE });

const { availability, latency } = PARAMETERS;

/** The shares of calls that may fail through the server's fault, and that may be slow. */
export const ERROR_BUDGET = budgetOf(availability.objective);
export const SLOW_BUDGET = budgetOf(latency.objective);

/** The windows in which a budget is watched. */
export interface Objective {
  readonly page: readonly BurnWindow[];
  readonly ticket: readonly BurnWindow[];
}

/** How many times as fast as allowed a budget burns before somebody is told. */
export const burnLimits = ({ page, ticket }: Objective): readonly Limit[] =>
  [...ticket.map(({ factor }) => ticketFrom(factor)), ...page.map(({ factor }) => pageFrom(factor))].sort(
    (a, b) => a.from - b.from,
  );

/** A share as people write it. */
export const percent = (ratio: number): string => `${Number((ratio * 100).toPrecision(6))} %`;
