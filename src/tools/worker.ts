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
  /** Missing when the call is not traced. */
  readonly trace: TraceInThread | undefined;
  /** Carries what is `Said` back. */
  readonly port: MessagePort;
}

/** A call of one of the context's functions, or news for the call's trace: `[name, ...arguments]`. */
export type Said = readonly [name: keyof ToolContext | 'trace', ...values: unknown[]];

/** The thread's side of a call's trace. */
export interface TraceInThread {
  /** The module to follow calls with. */
  readonly moduleUrl: string;
  /** What the module needs to know of the call; can be cloned. */
  readonly parent: unknown;
}

/** Runs a call's `work` so that what it does is told to whoever follows the call; the news can be cloned. */
export type FollowInThread = <Result>(
  parent: unknown,
  tell: (news: unknown) => void,
  work: () => Result,
) => Result;

/** What a handler returned, its kind spelled out because a symbol does not survive the clone. */
export type WorkerAnswer =
  | { readonly returned: unknown; readonly kind?: string }
  | { readonly thrown: { readonly name: string; readonly message: string; readonly stack?: string } };

resolvePublicEntry();

let follow: FollowInThread | undefined;

export default async function run({
  moduleUrl,
  tool,
  args,
  context,
  trace,
  port,
}: WorkerTask): Promise<WorkerAnswer> {
  const send =
    (name: Said[0]) =>
    (...values: unknown[]): void => {
      port.postMessage([name, ...values] satisfies Said);
    };
  try {
    const definition = toolsIn((await import(moduleUrl)) as Record<string, unknown>).find(
      ({ name }) => name === tool,
    );
    if (!definition) throw new Error(`${moduleUrl} exports no tool ${tool}`);
    const handle = () =>
      definition.handler(args, {
        ...context,
        // Never aborts: the thread is killed instead.
        signal: new AbortController().signal,
        progress: send('progress'),
        log: send('log'),
        releaseConnection: send('releaseConnection'),
      });
    if (trace) follow ??= ((await import(trace.moduleUrl)) as ThreadModule).followCalls();
    const returned: unknown = await (trace && follow
      ? follow(trace.parent, send('trace'), handle)
      : handle());
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

interface ThreadModule {
  followCalls(): FollowInThread;
}

const isMarked = (value: unknown): value is Record<typeof RESULT_KIND, unknown> =>
  typeof value === 'object' && value !== null && RESULT_KIND in value;
