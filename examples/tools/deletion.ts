/** A tool that has the user confirm before it deletes, and insists that it asked. */
import { accepted, defineTool, elicit, failure, inputRequired, z } from 'nexus-mcp/tools';

const drafts = new Set(['spring', 'summer']);

const form = {
  type: 'object',
  properties: { sure: { type: 'boolean', title: 'Delete it' } },
  required: ['sure'],
};
const answer = z.object({ sure: z.literal(true) });
/** The state of a call whose client has been asked. */
const ASKED = 'asked';

export const deleteDraft = defineTool({
  name: 'delete_draft',
  title: 'Delete a draft',
  description: 'Deletes a draft for ever. It asks the user to confirm.',
  input: z.strictObject({ draft: z.string().max(80) }),
  output: z.string(),
  annotations: { readOnly: false, idempotent: false, destructive: true, openWorld: false },
  handler({ draft }, { answers, canElicit, state }) {
    if (!canElicit) return failure('This client cannot ask its user. Nothing was deleted.');
    if (!drafts.has(draft)) return failure(`There is no draft ${draft}.`);
    // Without the state, an answer is to a question that nobody asked.
    if (state !== ASKED) return inputRequired({ confirm: elicit(`Delete the draft ${draft}?`, form) }, ASKED);
    if (!accepted(answers['confirm'], answer)) return failure('The user did not agree. Nothing was deleted.');
    drafts.delete(draft);
    return `The draft ${draft} is deleted.`;
  },
});
