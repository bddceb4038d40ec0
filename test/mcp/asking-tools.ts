/** Tools that ask their client, a tool for each end that this may have. */
import { accepted, defineTool, elicit, inputRequired, z, type ToolDefinition } from 'nexus-mcp/tools';

const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
const question = inputRequired({ who: elicit('Who are you?', schema) }, { asked: 1 });

const byUrl = {
  method: 'elicitation/create' as const,
  params: { mode: 'url', message: 'Log in', url: 'https://site.example/login', elicitationId: 'log-in' },
};

const asking = (name: string, more: Partial<ToolDefinition> = {}) =>
  defineTool({
    name,
    input: z.looseObject({ which: z.string().optional() }),
    title: 'Asks',
    description: 'A tool for tests.',
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    handler: (_args, { answers }) => {
      const answer = accepted(answers['who'], z.object({ name: z.string() }));
      return answer ? `Hello ${answer.name}` : question;
    },
    ...more,
  });

export default [
  asking('asks_alone', { maxConcurrency: 1 }),
  asking('asks_to_cancel'),
  asking('asks_to_leave'),
  asking('asks_in_vain'),
  asking('asks_for_ever', { handler: () => question }),
  asking('asks_by_url', {
    handler: (_args, { answers }) => (answers['site'] ? 'back' : inputRequired({ site: byUrl })),
  }),
  asking('asks_by_arguments'),
];
