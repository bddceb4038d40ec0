import {
  INVALID_PARAMS,
  METHOD_NOT_FOUND,
  ProtocolError,
  specTypeSchemas,
} from '@modelcontextprotocol/client';
import type { Lane } from '../tools/admission.ts';
import { failed, type Failure, type Relayed, type ToolResult } from '../tools/call.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import type { ErrorReason } from '../tools/reasons.ts';
import { RESULT_KIND, type InputRequest } from '../tools/result.ts';
import { invalidResult, settleInputRequired, tooLarge, type RunOutcome } from '../tools/settle.ts';
import type { KeptState } from './call-params.ts';
import { withoutReserved, type Definition } from './definitions.ts';
import { Fault } from './fault.ts';
import { isTooDeep, MAX_LEVELS } from './nesting.ts';
import type { Upstream } from './upstream.ts';

/** What is said of failures to clients and logs: so much of what an upstream says of them. */
const MAX_MESSAGE = 1000;

/** The `_meta` in which servers that are monitored as this one is say why a call failed. */
const FAILURE_META_KEY = 'nexus-mcp/failure';

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

/** MCP 2025-11-25, "URL Elicitation Required", and 2026-07-28, "Missing Required Client Capability". */
const URL_ELICITATION_REQUIRED = -32042;
const MISSING_CLIENT_CAPABILITY = -32021;

/** What became of a call at the upstream. */
type Returned = { readonly result: unknown } | { readonly failure: Failure };

/**
 * A tool of an upstream, as one that the server offers. Its arguments are for the upstream to validate, and its results are relayed
 * as they come; what they are counted as is decided here.
 * @param lane where calls of all tools of the upstream have their places
 */
export function upstreamTool(definition: Definition, upstream: Upstream, lane: Lane): OfferedTool {
  const { name, timeoutSeconds, trustReasons } = upstream.spec;
  return {
    name: definition.listing.name,
    toolset: name,
    source: 'upstream',
    isolation: 'none',
    timeoutSeconds,
    lanes: [lane],
    listing: definition.listing,
    validate: (args) =>
      typeof args === 'object' && args !== null && !Array.isArray(args)
        ? { ok: true, value: args }
        : { ok: false, problems: ['arguments: must be an object'] },
    async run(args, context, call): Promise<Returned> {
      try {
        return { result: await upstream.call(definition, args as object, call, context) };
      } catch (error) {
        if (error instanceof Fault) return { failure: ofFault(error, name) };
        if (!(error instanceof ProtocolError)) throw error;
        if (isAboutTool(error)) upstream.listAgain();
        return { failure: ofError(error, name) };
      }
    },
    settle(returned, call, maxBytes) {
      const given = returned as Returned;
      if ('failure' in given) return Promise.resolve({ outcome: given.failure });
      return Promise.resolve(settled(given.result, call, maxBytes, trustReasons));
    },
  };
}

function ofFault({ kind, message, isOfSize }: Fault, name: string): Failure {
  if (isOfSize)
    return failed('invalid_arguments', `The upstream ${name} does not take so much: ${message}.`, {
      problems: [message],
    });
  if (kind === 'too_large')
    return failed('exception', `The upstream ${name} sent more than this server takes: ${message}.`);
  return failed('unavailable', `The upstream ${name} is not available: ${message}.`, {
    cause: `upstream ${name}: ${message}`,
  });
}

/** An error of JSON-RPC: what the caller can mend is the caller's, the rest a fault of the upstream. */
function ofError(error: ProtocolError, name: string): Failure {
  const message = error.message.slice(0, MAX_MESSAGE);
  if (isAboutTool(error))
    return failed('unavailable', `The upstream ${name} does not have this tool any more: ${message}`);
  switch (error.code) {
    case INVALID_PARAMS:
      return failed('invalid_arguments', `Invalid arguments: ${message}`, { problems: [message] });
    case URL_ELICITATION_REQUIRED:
    case MISSING_CLIENT_CAPABILITY:
      return failed('tool_error', `The upstream ${name} needs what its client does not do: ${message}`);
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
const isAboutTool = ({ code, message }: ProtocolError): boolean =>
  code === METHOD_NOT_FOUND || (code === INVALID_PARAMS && NO_SUCH_TOOL.test(message));

function settled(
  result: unknown,
  call: Parameters<OfferedTool['settle']>[1],
  maxBytes: number,
  trustsReasons: boolean,
): RunOutcome {
  const given = result as Readonly<Record<string, unknown>>;
  // Whatever it is, it has to be written for the client.
  if (isTooDeep(given)) return { outcome: invalidResult(`it is nested more than ${MAX_LEVELS} levels deep`) };
  if (given['resultType'] === 'input_required') return { outcome: inputRequired(given, call) };
  const checked = specTypeSchemas.CallToolResult['~standard'].validate(result);
  if (checked instanceof Promise || checked.issues)
    return { outcome: invalidResult('it is none that MCP has') };
  const { _meta: meta } = given;
  const relayed = relayedOf(given, trustsReasons);
  const { content, structuredContent, isError } = checked.value;
  const bytes = Buffer.byteLength(JSON.stringify(relayed));
  if (bytes > maxBytes) return { outcome: tooLarge(bytes, maxBytes), resultBytes: bytes };
  const texts = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
  if (isError === true) {
    const reason = (trustsReasons ? statedReason(meta) : undefined) ?? 'tool_error';
    const message = texts.join('\n').slice(0, MAX_MESSAGE) || 'The tool reported a failure.';
    return { outcome: failed(reason, message, { relayed }) };
  }
  return {
    outcome: {
      status: 'success',
      result: {
        content: (given['content'] ?? []) as ToolResult['content'],
        ...(structuredContent !== undefined && { value: structuredContent }),
        relayed,
      },
    },
    resultBytes: bytes,
  };
}

/** A result without what is said of the connection that it came on, and without a reason that is not trusted: clients would trust it. */
function relayedOf(given: Readonly<Record<string, unknown>>, trustsReasons: boolean): Relayed {
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

function inputRequired(
  { inputRequests, requestState }: Readonly<Record<string, unknown>>,
  call: Parameters<OfferedTool['settle']>[1],
): RunOutcome['outcome'] {
  const requests = (inputRequests ?? {}) as Readonly<Record<string, InputRequest>>;
  const unknown = Object.values(requests).find(
    (request) => (request as { readonly method?: unknown } | null)?.method !== 'elicitation/create',
  );
  if (unknown) return invalidResult('it asks the client for something other than elicitation');
  const state: KeptState | undefined = typeof requestState === 'string' ? { requestState } : undefined;
  return settleInputRequired({ [RESULT_KIND]: 'input_required', requests, state }, call);
}

function statedReason(meta: unknown): ErrorReason | undefined {
  const failure = (meta as Readonly<Record<string, unknown>> | undefined)?.[FAILURE_META_KEY];
  const reason = (failure as Readonly<Record<string, unknown>> | undefined)?.['reason'];
  return [...TRUSTED].find((known) => known === reason);
}
