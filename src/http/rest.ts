import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { Challenges } from '../authorization/challenges.ts';
import { visibleTo } from '../authorization/rights.ts';
import { excessInParams } from '../monitoring/door/envelope.ts';
import type { Tracing } from '../monitoring/traces/tracing.ts';
import { plainValue, type CallTrace, type Failure, type Outcome, type ToolCall } from '../tools/call.ts';
import type { Executor } from '../tools/executor.ts';
import { ERROR_REASONS, UNKNOWN_TOOL } from '../tools/reasons.ts';
import type { Catalogue } from '../tools/catalogue.ts';
import type { OfferedTool } from '../tools/offered-tool.ts';
import { problemsIn } from '../tools/problems.ts';
import type { Quota } from '../tools/quota.ts';
import { callerOf } from './authentication.ts';
import { readJson } from './json-body.ts';
import { sendProblem, wrongMethod, type Problem } from './problem.ts';
import { beyondQuota, bodyLimit, withinQuota } from './quota.ts';
import { requestIdOf } from './request-id.ts';
import { sendJson } from './responses.ts';
import { challenged } from './scopes.ts';

export interface RestOptions {
  readonly catalogue: Catalogue;
  readonly executor: Executor;
  readonly info: { readonly name: string; readonly version: string };
  /** Stands before every route and knows the caller. */
  readonly guard: RequestHandler;
  readonly challenges: Challenges;
  readonly bodyBytes: number;
  /** Each request takes from it. */
  readonly quota: Quota;
  /** Missing when nothing is traced. */
  readonly tracing: Tracing | undefined;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

const executeBody = z.strictObject({
  tool_name: z.string().min(1),
  arguments: z.unknown().optional(),
});
const NO_SUCH_TOOL = 'There is no such tool; GET /tools lists them';

const toolExecuteBody = z.strictObject({ arguments: z.unknown().optional() });

/** The REST API: the tools as plain HTTP resources, without a session and without MCP. */
export function restRoutes(options: RestOptions): Router {
  const { catalogue, info, guard, quota } = options;
  const router = Router();
  const limited = withinQuota(quota);

  router.post('/execute', guard, async (request, response) => {
    const read = await readCall(executeBody, options, request, response);
    if (read) await execute({ ...read, name: read.body.tool_name }, options, request, response);
  });
  router.all('/execute', wrongMethod('POST'));

  router.get('/tools', guard, limited, (_request, response) => {
    const tools = visibleTo(callerOf(response), catalogue.tools).map(describe);
    response.json({ tools, count: tools.length, server_info: info });
  });
  router.all('/tools', wrongMethod('GET, HEAD'));

  router.get('/tools/:name', guard, limited, (request, response) => {
    const tool = visibleTo(callerOf(response), catalogue.tools).find(({ name }) => name === nameIn(request));
    if (tool) response.json(describe(tool));
    else sendProblem(request, response, { status: 404, detail: NO_SUCH_TOOL });
  });
  router.all('/tools/:name', wrongMethod('GET, HEAD'));

  router.post('/tools/:name/execute', guard, async (request, response) => {
    const read = await readCall(toolExecuteBody, options, request, response);
    if (read) await execute({ ...read, name: nameIn(request) }, options, request, response);
  });
  router.all('/tools/:name/execute', wrongMethod('POST'));

  return router;
}

const nameIn = ({ params }: Request): string => String(params['name']);

const describe = ({ listing, toolset }: OfferedTool) => ({
  name: listing.name,
  title: listing.title,
  description: listing.description,
  input_schema: listing.inputSchema,
  ...(listing.outputSchema && { output_schema: listing.outputSchema }),
  annotations: listing.annotations,
  toolset,
});

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

function parse<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  const excess = excessInParams(value);
  if (excess !== undefined) return { ok: false, problem: { status: 413, detail: excess } };
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const { issues } = result.error;
  const belongs = issues.some(({ path }) => path[0] === 'tool_name')
    ? 'name belongs in the field "tool_name"'
    : 'arguments belong in the field "arguments"';
  const detail = `${problemsIn(issues, 'body').join('; ')}. The tool's ${belongs}`;
  return { ok: false, problem: { status: 400, detail } };
}

interface Read<Body> {
  readonly body: Body;
  /** Seconds until the call would be within its caller's quota, which the executor then says; 0 for one that is. */
  readonly waitSeconds: number;
}

/** Takes a request from the quota of its caller, and reads the call in it; `undefined` for none, which is answered. */
async function readCall<Body>(
  schema: z.ZodType<Body>,
  { bodyBytes, quota }: RestOptions,
  request: Request,
  response: Response,
): Promise<Read<Body> | undefined> {
  const waitSeconds = quota.take(callerOf(response).quotaKey);
  const body = await readJson(request, bodyLimit(bodyBytes, waitSeconds));
  const parsed = body.ok ? parse(schema, body.value) : body;
  if (parsed.ok) return { body: parsed.value, waitSeconds };
  sendProblem(request, response, waitSeconds > 0 ? beyondQuota(waitSeconds) : parsed.problem);
  return undefined;
}

async function execute(
  { name, body: { arguments: args }, waitSeconds }: Read<{ arguments?: unknown }> & { readonly name: string },
  { catalogue, executor, challenges, tracing, now }: RestOptions,
  request: Request,
  response: Response,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  // While the request was read or its caller was found out.
  if (response.destroyed) gone.abort();
  const make = (trace?: CallTrace): Promise<Outcome> => executor.execute({ ...call, trace });
  const call: ToolCall = {
    name,
    arguments: args,
    caller: callerOf(response),
    entrance: 'rest',
    requestId: requestIdOf(response),
    signal: gone.signal,
    canElicit: false,
    waitSeconds,
  };
  const startedAt = now();
  const outcome = inputRefused(
    await (tracing ? tracing.call(catalogue.get(name) ? name : UNKNOWN_TOOL, make) : make()),
  );
  const ran = { tool_name: name, arguments: args ?? {} };
  // To a microsecond: what is beyond is noise.
  const execution_time = Number((now() - startedAt).toFixed(6));
  if (outcome.status === 'success') {
    sendJson(response, { ...ran, result: plainValue(outcome.result), status: 'success', execution_time });
  } else if (outcome.reason === 'tool_error') {
    const { reason, message } = outcome;
    sendJson(response, { ...ran, result: null, status: 'error', reason, detail: message, execution_time });
  } else {
    sendProblem(request, response, challenged(problemOf(name, outcome), challenges));
  }
}

/** The executor lets a call ask for input only when its client can answer, and a REST client cannot. */
function inputRefused(outcome: Outcome): Exclude<Outcome, { status: 'success'; inputRequired: object }> {
  if (outcome.status === 'success' && outcome.inputRequired)
    throw new Error('a call that cannot elicit asked for input');
  return outcome;
}

/** No tool has a longer name, and nobody is told what it sent. */
const MAX_TOOL_NAME = 128;

function problemOf(toolName: string, { reason, message, retryAfterSeconds, scopes }: Failure): Problem {
  return {
    status: ERROR_REASONS[reason].httpStatus,
    // MCP's clients are told of tools/list.
    detail: reason === 'unknown_tool' ? NO_SUCH_TOOL : message,
    toolName: toolName.slice(0, MAX_TOOL_NAME),
    reason,
    ...(scopes && { scopes }),
    ...(retryAfterSeconds !== undefined && {
      headers: { 'retry-after': String(Math.ceil(retryAfterSeconds)) },
    }),
  };
}
