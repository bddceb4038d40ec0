import { CLIENT_CAPABILITIES_META_KEY, TRACEPARENT_META_KEY, type Tool } from '@modelcontextprotocol/client';
import type { CallTrace, ToolCall } from '../tools/call.ts';
import { checkedFunctions } from '../tools/context.ts';
import { LOG_LEVELS, type LogLevel, type ToolContext } from '../tools/tool.ts';
import type { Definition } from './definitions.ts';
import type { Watcher } from './watchers.ts';

/** Of 2026-07-28, which means to do without log messages some day. */
const LOG_LEVEL_META_KEY = 'io.modelcontextprotocol/logLevel';

/** What a tool keeps across an upstream's requests for input. */
export interface KeptState {
  /** What a 2026-era upstream wants to be sent again. */
  readonly requestState?: string;
  /** The call of a 2025-era upstream that is held. */
  readonly held?: string;
}

/** A call, as an upstream is sent it. */
export interface UpstreamCall {
  readonly params: Readonly<Record<string, unknown>> & { readonly name: string };
  /** The `_meta` that a 2026-era upstream is sent besides. */
  readonly modernMeta: object;
  /** The trace that it belongs to, when that is kept. */
  readonly traceId: string | undefined;
  /** The schema whose arguments such an upstream wants mirrored in headers. */
  readonly inputSchema: Tool['inputSchema'];
}

/** What client is told of a call before its answer. */
interface Watched {
  readonly progress?: (progress: {
    progress: number;
    total?: number | undefined;
    message?: string | undefined;
  }) => void;
  readonly notice: NonNullable<Watcher['notice']>;
}

/**
 * A call as an upstream is sent it. Of what the client put into `_meta` nothing is passed on: it was for us. The trace is, and what
 * the client can answer.
 */
export function callOf(
  { ownName, inputSchema }: Definition,
  args: object,
  call: ToolCall,
  context: ToolContext,
): { readonly made: UpstreamCall; readonly watched: Watched } {
  const { canElicit, trace } = call;
  const { requestState } = (context.state ?? {}) as KeptState;
  // What clients cannot be told is left out: it is no mistake of a tool of ours.
  const { progress, log } = checkedFunctions(context).functions;
  const hasAnswers = Object.keys(context.answers).length > 0;
  return {
    made: {
      params: {
        name: ownName,
        arguments: args,
        ...(hasAnswers && { inputResponses: context.answers }),
        ...(requestState !== undefined && { requestState }),
        ...(trace && { _meta: { [TRACEPARENT_META_KEY]: traceparentOf(trace) } }),
      },
      modernMeta: {
        [CLIENT_CAPABILITIES_META_KEY]: canElicit ? { elicitation: { form: {} } } : {},
        [LOG_LEVEL_META_KEY]: 'info',
      },
      inputSchema,
      traceId: trace?.sampled ? trace.traceId : undefined,
    },
    watched: {
      ...(call.progress && {
        progress: ({ progress: done, total, message }) => {
          progress(done, total, message);
        },
      }),
      notice(message) {
        if (!('method' in message) || message.method !== 'notifications/message') return;
        const { level, data } = (message.params ?? {}) as { level?: unknown; data?: unknown };
        if (isLevel(level) && data !== undefined) log(level, data);
      },
    },
  };
}

const isLevel = (level: unknown): level is LogLevel => LOG_LEVELS.some((known) => known === level);

/** W3C Trace Context, "traceparent". */
export const traceparentOf = ({ traceId, spanId, sampled }: CallTrace): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
