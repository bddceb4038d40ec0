/** A tool that asks its user twice: an answer reaches the next run alone, so the first one goes into the state. */
import { accepted, defineTool, elicit, failure, inputRequired, z } from 'nexus-mcp/tools';

const classForm = {
  type: 'object',
  properties: { class: { type: 'string', title: 'Class', enum: ['first', 'second'] } },
  required: ['class'],
};
const chosen = z.object({ class: z.enum(['first', 'second']) });
const sureForm = {
  type: 'object',
  properties: { sure: { type: 'boolean', title: 'Book it' } },
  required: ['sure'],
};
const sure = z.object({ sure: z.literal(true) });

export const bookJourney = defineTool({
  name: 'book_journey',
  title: 'Book a journey',
  description: 'Books a journey. It asks the user for the class, and then to confirm.',
  input: z.strictObject({ to: z.string().max(80) }),
  output: z.string(),
  annotations: { readOnly: false, idempotent: false, destructive: false, openWorld: false },
  handler({ to }, { answers, canElicit, state }) {
    if (!canElicit) return failure('This client cannot ask its user. Nothing was booked.');
    if (state === undefined && !('class' in answers))
      return inputRequired({ class: elicit('Which class?', classForm) });
    // The state of the second question is the answer to the first.
    const choice = state === undefined ? accepted(answers['class'], chosen) : chosen.parse(state);
    if (!choice) return failure('No class was chosen. Nothing was booked.');
    if (!('confirm' in answers))
      return inputRequired({ confirm: elicit(`Go to ${to} in ${choice.class} class?`, sureForm) }, choice);
    if (!accepted(answers['confirm'], sure)) return failure('The user did not agree. Nothing was booked.');
    return `A ${choice.class} class journey to ${to} is booked.`;
  },
});
