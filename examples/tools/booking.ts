/** A tool that asks the user of its client before it acts. */
import { accepted, defineTool, elicit, failure, inputRequired, z } from 'nexus-mcp/tools';

/** The form that the user sees: a flat JSON Schema object. */
const form = {
  type: 'object',
  properties: { seats: { type: 'integer', title: 'Seats', minimum: 1, maximum: 8 } },
  required: ['seats'],
};
/** What the tool takes from the answer. */
const answer = z.object({ seats: z.int().min(1).max(8) });

export const bookTable = defineTool({
  name: 'book_table',
  title: 'Book a table',
  description: 'Books a table in a restaurant. It asks the user for the number of seats.',
  input: z.strictObject({ restaurant: z.string().max(80) }),
  output: z.string(),
  annotations: { readOnly: false, idempotent: false, destructive: false, openWorld: true },
  handler({ restaurant }, { answers, canElicit }) {
    if (!canElicit) return failure('This client cannot ask its user. Book by telephone.');
    if (!('seats' in answers))
      return inputRequired({ seats: elicit(`How many seats at ${restaurant}?`, form) });
    const given = accepted(answers['seats'], answer);
    if (!given) return failure('The user did not agree. Nothing was booked.');
    return `${given.seats} seats at ${restaurant} are booked.`;
  },
});
