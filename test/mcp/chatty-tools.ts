/** Tools that say more than anybody can be told. */
import { defineTool, z, type ToolContext } from 'nexus-mcp/tools';

const base = {
  input: z.strictObject({ times: z.number() }),
  title: 'Chatty',
  description: 'A tool for tests.',
  annotations: { readOnly: true, idempotent: true, openWorld: false },
} as const;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const chatty = (isolation: 'none' | 'worker') => {
  const where = isolation === 'worker' ? '_in_thread' : '';
  const tool = (
    name: string,
    say: (context: ToolContext, step: number, times: number) => void,
    pauses: boolean,
  ) =>
    defineTool({
      ...base,
      name: `${name}${where}`,
      isolation,
      timeoutSeconds: 600,
      handler: async ({ times }, context) => {
        for (let step = 1; step <= times; step += 1) {
          say(context, step, times);
          if (pauses) await turn();
        }
        return 'said';
      },
    });
  return [
    tool(
      'reports',
      (context, step, times) => {
        context.progress(step, times, `step ${step}`);
      },
      false,
    ),
    tool(
      'reports_in_turns',
      (context, step, times) => {
        context.progress(step, times, `step ${step}`);
      },
      true,
    ),
    tool(
      'logs',
      (context, step) => {
        context.log(step % 1000 === 0 ? 'error' : 'debug', `line ${step}`);
      },
      false,
    ),
    tool(
      'releases',
      (context) => {
        context.releaseConnection();
      },
      false,
    ),
  ];
};

export default [...chatty('none'), ...chatty('worker')];
