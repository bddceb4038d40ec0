import { INVALID_PARAMS, METHOD_NOT_FOUND } from '@modelcontextprotocol/client';
import { ERROR_CODES } from '../monitoring/door/json-rpc.ts';
import { failed, type Failure, type Relayed } from '../tools/call.ts';
import { FAILURE_META_KEY, type ErrorReason } from '../tools/reasons.ts';
import { withoutReserved } from './definitions.ts';
import type { Fault } from './fault.ts';

/** What is said of failures to clients and logs: so much of what an upstream says of them. */
const MAX_MESSAGE = 1000;

/** Reasons that an upstream can give: the others say something of who calls us. */
const TRUSTED: ReadonlySet<ErrorReason> = new Set([
  'tool_error',
  'exception',
  'timeout',
  'unavailable',
  'overloaded',
  'invalid_arguments',
  'rate_limited',
]);

/** Why a call failed that the upstream did not answer. */
export function ofFault({ kind, message, isOfSize }: Fault, name: string): Failure {
  if (isOfSize)
    return failed('invalid_arguments', `The upstream ${name} refuses the size of the request: ${message}.`, {
      problems: [message],
    });
  if (kind === 'too_large')
    return failed('exception', `The upstream ${name} sent more than this server accepts: ${message}.`);
  return failed('unavailable', `The upstream ${name} is not available: ${message}.`, {
    cause: `upstream ${name}: ${message}`,
  });
}

/** What a call ends in that the upstream did not answer in time. */
export const ofSilence = ({ message }: Fault, name: string): Failure =>
  failed('timeout', `The upstream ${name} did not answer: ${message}.`, {
    cause: `upstream ${name}: ${message}`,
  });

/** An error of JSON-RPC, as far as it matters here. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
}

/** An error of JSON-RPC: what the caller can mend is the caller's, the rest a fault of the upstream. */
export function ofError(error: RpcError, name: string): Failure {
  const message = error.message.slice(0, MAX_MESSAGE);
  if (isAboutTool(error))
    return failed('unavailable', `The upstream ${name} does not have this tool any more: ${message}`);
  switch (error.code) {
    case INVALID_PARAMS:
      return failed('invalid_arguments', `Invalid arguments: ${message}`, { problems: [message] });
    case ERROR_CODES.urlElicitationRequired:
    case ERROR_CODES.missingClientCapability:
      return failed(
        'tool_error',
        `The upstream ${name} needs something that its client does not support: ${message}`,
      );
    default:
      return failed('exception', `The upstream ${name} answered with the error ${error.code}: ${message}`, {
        cause: `upstream ${name}: JSON-RPC error ${error.code}: ${message}`,
      });
  }
}

/** All that servers say who do not have a tool: other words may be those of the caller's arguments. */
const NO_SUCH_TOOL =
  /^(?:MCP error -32602: )?(?:(?:unknown|no such) tool(?::? \S+)?|tool \S+ (?:not found|does not exist)(?:: tool not found)?)\.?$/i;

/** Whether the upstream says that it has no such tool; MCP has no code for that alone. */
export const isAboutTool = ({ code, message }: RpcError): boolean =>
  code === METHOD_NOT_FOUND || (code === INVALID_PARAMS && NO_SUCH_TOOL.test(message));

/** A result with `isError`, as a failure: for the reason that it gives, if that is trusted. */
export function ofErrorResult(
  { content, _meta: meta }: Readonly<Record<string, unknown>>,
  trustsReasons: boolean,
  more: Partial<Failure> = {},
): Failure {
  const reason = (trustsReasons ? statedReason(meta) : undefined) ?? 'tool_error';
  const blocks = (Array.isArray(content) ? content : []) as readonly ({
    readonly type?: unknown;
    readonly text?: unknown;
  } | null)[];
  const texts = blocks.flatMap((block) =>
    block?.type === 'text' && typeof block.text === 'string' ? [block.text] : [],
  );
  return failed(reason, texts.join('\n').slice(0, MAX_MESSAGE) || 'The tool reported a failure.', more);
}

/** A result without what is said of the connection that it came on, and without a reason that is not trusted: clients would trust it. */
export function relayedOf(given: Readonly<Record<string, unknown>>, trustsReasons: boolean): Relayed {
  const rest: Record<string, unknown> = { ...given };
  const { _meta: meta } = given;
  delete rest['_meta'];
  delete rest['resultType'];
  const all = typeof meta === 'object' && meta !== null ? withoutReserved({ ...meta }) : {};
  const shown = Object.fromEntries(
    Object.entries(all).filter(([key]) => trustsReasons || key !== FAILURE_META_KEY),
  );
  return Object.keys(shown).length > 0 ? { ...rest, _meta: shown } : rest;
}

function statedReason(meta: unknown): ErrorReason | undefined {
  const failure = (meta as Readonly<Record<string, unknown>> | undefined)?.[FAILURE_META_KEY];
  const reason = (failure as Readonly<Record<string, unknown>> | undefined)?.['reason'];
  return [...TRUSTED].find((known) => known === reason);
}
