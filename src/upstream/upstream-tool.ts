import { ProtocolError, specTypeSchemas } from '@modelcontextprotocol/client';
import type { Lane } from '../tools/admission.ts';
import type { Failure, Outcome, ToolCall, ToolResult } from '../tools/call.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import { isPlainResult } from '../tools/plain-result.ts';
import { RESULT_KIND, type InputRequest } from '../tools/result.ts';
import { invalidResult, settleInputRequired, tooLarge, type RunOutcome } from '../tools/settle.ts';
import type { KeptState } from './call-params.ts';
import type { Definition } from './definitions.ts';
import { Fault, noAnswerWithin } from './fault.ts';
import { Asks, NotHeld } from './held-calls.ts';
import { isTooDeep, MAX_LEVELS } from './nesting.ts';
import { isAboutTool, ofError, ofErrorResult, ofFault, ofSilence, relayedOf } from './outcomes.ts';
import type { Upstream } from './upstream.ts';

/** What became of a call at the upstream. */
type Returned = { readonly result: unknown } | { readonly asks: Asks } | { readonly failure: Failure };

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
    late: ofSilence(noAnswerWithin(timeoutSeconds), name),
    lanes: [lane],
    listing: definition.listing,
    validate: (args) =>
      typeof args === 'object' && args !== null && !Array.isArray(args)
        ? { ok: true, value: args }
        : { ok: false, problems: ['arguments: must be an object'] },
    async run(args, context, call): Promise<Returned> {
      try {
        const result = await upstream.call(definition, args as object, call, context);
        return result instanceof Asks ? { asks: result } : { result };
      } catch (error) {
        if (error instanceof NotHeld) return { failure: error.failure };
        if (error instanceof Fault) return { failure: ofFault(error, name) };
        if (!(error instanceof ProtocolError)) throw error;
        if (isAboutTool(error)) upstream.listAgain();
        return { failure: ofError(error, name) };
      }
    },
    settle(returned, call, maxBytes) {
      const given = returned as Returned;
      if ('failure' in given) return Promise.resolve({ outcome: given.failure });
      if ('asks' in given) return Promise.resolve({ outcome: asked(given.asks, call, upstream) });
      return Promise.resolve(settled(given.result, call, maxBytes, trustReasons));
    },
    forget(state) {
      const { held } = (state ?? {}) as KeptState;
      if (held !== undefined) upstream.forget(held);
    },
  };
}

/** What a call is settled as that is held because the upstream asks; one whose client cannot answer is held no longer. */
function asked({ id, requests }: Asks, call: ToolCall, upstream: Upstream): Outcome {
  const state: KeptState = { held: id };
  const outcome = settleInputRequired({ [RESULT_KIND]: 'input_required', requests, state }, call);
  if (outcome.status === 'error') upstream.forget(id);
  return outcome;
}

function settled(result: unknown, call: ToolCall, maxBytes: number, trustsReasons: boolean): RunOutcome {
  const given = result as Readonly<Record<string, unknown>>;
  // Whatever it is, it has to be written for the client.
  if (isTooDeep(given)) return { outcome: invalidResult(`it is nested more than ${MAX_LEVELS} levels deep`) };
  if (given['resultType'] === 'input_required') return { outcome: inputRequired(given, call) };
  if (!isPlainResult(given) && !isResult(given)) return { outcome: invalidResult('it is none that MCP has') };
  const relayed = relayedOf(given, trustsReasons);
  const { structuredContent, isError } = given;
  const bytes = Buffer.byteLength(JSON.stringify(relayed));
  if (bytes > maxBytes) return { outcome: tooLarge(bytes, maxBytes), resultBytes: bytes };
  if (isError === true) return { outcome: ofErrorResult(given, trustsReasons, { relayed }) };
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

function isResult(given: unknown): boolean {
  const checked = specTypeSchemas.CallToolResult['~standard'].validate(given);
  return !(checked instanceof Promise) && !checked.issues;
}

function inputRequired(
  { inputRequests, requestState }: Readonly<Record<string, unknown>>,
  call: ToolCall,
): RunOutcome['outcome'] {
  const requests = (inputRequests ?? {}) as Readonly<Record<string, InputRequest>>;
  const unknown = Object.values(requests).find(
    (request) => (request as { readonly method?: unknown } | null)?.method !== 'elicitation/create',
  );
  if (unknown) return invalidResult('it asks the client for something other than elicitation');
  const state: KeptState | undefined = typeof requestState === 'string' ? { requestState } : undefined;
  return settleInputRequired({ [RESULT_KIND]: 'input_required', requests, state }, call);
}
