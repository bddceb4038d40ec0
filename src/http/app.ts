import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Authenticate, AuthFailureReason } from '../authorization/authentication.ts';
import { visibleTo } from '../authorization/rights.ts';
import type { McpEndpoint } from '../mcp/endpoint.ts';
import type { Activity } from '../monitoring/activity.ts';
import type { Logger } from '../monitoring/logging.ts';
import type { Recorder } from '../monitoring/recorder.ts';
import { callerOf, requireCaller } from './authentication.ts';
import { hostGuard } from './host-guard.ts';
import { readJson } from './json-body.ts';
import { measure } from './measure.ts';
import { openApi } from './openapi.ts';
import { OPERATIONS_PATHS, operationsRoutes, type OperationsOptions } from './operations.ts';
import { notFound, sendProblem, wrongMethod } from './problem.ts';
import { requestIdOf, requestIds } from './request-id.ts';
import { restRoutes, type RestOptions } from './rest.ts';
import { statusPage } from './status-page.ts';
import type { Facts } from './status-page/status.ts';
import { traceRequests } from './trace.ts';

export interface AppOptions extends Omit<RestOptions, 'guard'> {
  readonly mcp: McpEndpoint;
  readonly authenticate: Authenticate;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Reverse proxies in front whose X-Forwarded-For is believed. */
  readonly trustedProxies: number;
  /** Probes and metrics, when they are served on this port. */
  readonly operations: OperationsOptions | undefined;
  readonly metricsNeedToken: boolean;
  /** Whether answers should ask clients to open new connections, elsewhere. */
  readonly isDraining: () => boolean;
  /** What `/` says on this port. */
  readonly status: () => Facts;
  /** Told of requests that are refused for their credentials; `undefined` when nothing is recorded. */
  readonly activity: Pick<Activity, 'authFailed'> | undefined;
  readonly recorder: Recorder;
  readonly newRequestId: () => string;
  readonly logger: Logger;
}

/** The application of the main port: in this order, what every request passes. */
export function createApp(options: AppOptions): Express {
  const { mcp, recorder, authenticate, operations } = options;
  const app = bareApp();
  app.set('trust proxy', options.trustedProxies);
  const onAuthFailure = (reason: AuthFailureReason): void => {
    recorder.authFailure(reason);
    options.activity?.authFailed();
  };
  const guard = requireCaller(authenticate, onAuthFailure);
  const metricsGuard = options.metricsNeedToken ? guard : undefined;
  const page = statusPage(options.status);
  // A browser has no token until the page has asked for it: to come without one is no failure there.
  const onPageFailure = (reason: AuthFailureReason): void => {
    if (reason !== 'missing') onAuthFailure(reason);
  };
  const pageGuard = options.metricsNeedToken ? requireCaller(authenticate, onPageFailure, page.refuse) : pass;

  app.use(measure(recorder, options.now));
  app.use(requestIds(options.newRequestId));
  app.use(hostGuard(options.allowedHosts, options.allowedOrigins));
  app.use(closeWhenDraining(options.isDraining));
  if (operations) app.use(operationsRoutes({ ...operations, metricsGuard }));
  // After those, which are asked all the time.
  if (options.tracing) app.use(traceRequests(options.tracing));
  app.get('/', pageGuard, page.serve);
  app.all('/', wrongMethod('GET, HEAD'));
  app.all('/mcp', guard, async (request, response, next) => {
    if (!MCP_METHODS.includes(request.method)) {
      next();
      return;
    }
    const body = request.method === 'POST' ? await readJson(request, options.bodyBytes) : undefined;
    if (body && !body.ok) sendProblem(request, response, body.problem);
    else {
      const origin = { caller: callerOf(response), requestId: requestIdOf(response) };
      await mcp.serve(request, response, body?.value, origin);
    }
  });
  app.all('/mcp', wrongMethod(MCP_METHODS.join(', ')));
  app.use(restRoutes({ ...options, guard }));
  app.get('/openapi.json', guard, (_request, response) => {
    const tools = visibleTo(callerOf(response), options.catalogue.tools);
    response.json(openApi(tools, options.info));
  });
  app.all('/openapi.json', wrongMethod('GET, HEAD'));
  if (!operations)
    app.use(
      OPERATIONS_PATHS,
      notFound('Probes, and metrics if they are on, are at the operations port (ops.port)'),
    );
  app.use(notFound('There is nothing here; see /openapi.json'));
  app.use(onError(options.logger));
  return app;
}

/** The application of the operations port: probes, metrics and the status page alone, for the pod network. */
export function createOperationsApp(
  options: OperationsOptions,
  status: (() => Facts) | undefined,
  logger: Logger,
): Express {
  const app = bareApp();
  app.use(operationsRoutes(options));
  if (status) {
    app.get('/', statusPage(status).serve);
    app.all('/', wrongMethod('GET, HEAD'));
  }
  app.use(notFound('There is nothing here: this is the operations port, which has probes and metrics only'));
  app.use(onError(logger));
  return app;
}

function bareApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  return app;
}

/** MCP 2025-11-25, "Streamable HTTP"; not HEAD, which cannot begin a stream. */
const MCP_METHODS = ['POST', 'GET', 'DELETE'];

const pass: RequestHandler = (_request, _response, next) => {
  next();
};

const closeWhenDraining =
  (isDraining: () => boolean): RequestHandler =>
  (_request, response, next) => {
    if (isDraining()) response.set('connection', 'close');
    next();
  };

/** What a handler throws is a bug, except Express's own refusals, which carry a 4xx status. */
const onError =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, request, response, _next) => {
    const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
    if (status >= 400 && status < 500) {
      sendProblem(request, response, { status, detail: 'The request is malformed' });
      return;
    }
    if (request.destroyed && !request.complete) return; // the client hung up while sending its body
    logger.error({ err: error, path: request.path, request_id: requestIdOf(response) }, 'request failed');
    sendProblem(request, response, {
      status: 500,
      detail: 'The server failed to handle the request; see its log',
    });
  };
