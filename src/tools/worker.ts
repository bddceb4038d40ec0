/** The entry of a worker thread: runs one isolated tool call at a time. */
import type { MessagePort } from 'node:worker_threads';
import { resolvePublicEntry, toolsIn } from './module-tools.ts';
import { RESULT_KIND } from './result.ts';
import type { ToolContext } from './tool.ts';

export interface WorkerTask {
  readonly moduleUrl: string;
  readonly tool: string;
  readonly args: unknown;
  readonly context: Pick<ToolContext, 'answers' | 'state' | 'canElicit'>;
  /** Carries the calls of the context's functions back: `[name, ...arguments]`. */
  readonly port: MessagePort;
}

/** What a handler returned, its kind spelled out because a symbol does not survive the clone. */
export type WorkerAnswer =
  | { readonly returned: unknown; readonly kind?: string }
  | { readonly thrown: { readonly name: string; readonly message: string; readonly stack?: string } };

resolvePublicEntry();

export default async function run({
  moduleUrl,
  tool,
  args,
  context,
  port,
}: WorkerTask): Promise<WorkerAnswer> {
  const send =
    (name: string) =>
    (...values: unknown[]): void => {
      port.postMessage([name, ...values]);
    };
  try {
    const definition = toolsIn((await import(moduleUrl)) as Record<string, unknown>).find(
      ({ name }) => name === tool,
    );
    if (!definition) throw new Error(`${moduleUrl} exports no tool ${tool}`);
    const returned: unknown = await definition.handler(args, {
      ...context,
      // Never aborts: the thread is killed instead.
      signal: new AbortController().signal,
      progress: send('progress'),
      log: send('log'),
      releaseConnection: send('releaseConnection'),
    });
    return isMarked(returned)
      ? { returned: { ...returned }, kind: String(returned[RESULT_KIND]) }
      : { returned };
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { thrown: { name, message, ...(stack !== undefined && { stack }) } };
  } finally {
    port.close();
  }
}

const isMarked = (value: unknown): value is Record<typeof RESULT_KIND, unknown> =>
  typeof value === 'object' && value !== null && RESULT_KIND in value;
