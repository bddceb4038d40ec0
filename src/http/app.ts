import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Authenticate } from '../authorization/authentication.ts';
import { challengesFor } from '../authorization/challenges.ts';
import { clientOf } from '../authorization/client-address.ts';
import { metadataUrlOf, type ProtectedResource } from '../authorization/protected-resource.ts';
import { visibleTo } from '../authorization/rights.ts';
import type { McpEndpoint } from '../mcp/endpoint.ts';
import { isAuthFailure, type Audit } from '../monitoring/audit/audit.ts';
import type { Activity } from '../monitoring/activity.ts';
import type { Logger } from '../monitoring/logging.ts';
import { RELAY_ROUTE } from '../monitoring/metrics/labels.ts';
import type { Recorder } from '../monitoring/metrics/recorder.ts';
import { addressOf, callerOf, knownCallerOf, requireCaller, type Asked } from './authentication.ts';
import { cors } from './cors.ts';
import { hostGuard, oneHost } from './host-guard.ts';
import { mcpRoutes, servesMcp } from './mcp.ts';
import { measure } from './measure.ts';
import { openApi } from './openapi.ts';
import { metricsRoutes, OPERATIONS_PATHS, probeRoutes, type OperationsOptions } from './operations.ts';
import { notFound, problemsInJsonRpc, sendProblem, tellRefusals, wrongMethod } from './problem.ts';
import { protectedResourceRoutes } from './protected-resource.ts';
import { withinQuota } from './quota.ts';
import { peerRoutes, type PeerOptions } from './peers.ts';
import { requestIdOf, requestIds } from './request-id.ts';
import { leaveToServer } from './responses.ts';
import { asksForServer, servesUpstreams, type Relays } from './servers.ts';
import { restRoutes, type RestOptions } from './rest.ts';
import { requireWatcher } from './scopes.ts';
import { statusPage, type StatusPage } from './status-page.ts';
import type { Facts } from './status-page/status.ts';
import { traceRequests } from './trace.ts';

export interface AppOptions extends Omit<RestOptions, 'guard' | 'challenges'> {
  readonly mcp: McpEndpoint;
  /** Missing when there are no upstreams. */
  readonly relays: Relays | undefined;
  readonly authenticate: Authenticate;
  /** What OAuth's clients learn; missing when there are no issuers of tokens. */
  readonly protectedResource: ProtectedResource | undefined;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Reverse proxies in front whose X-Forwarded-For is believed. */
  readonly trustedProxies: number;
  /** Probes and metrics, when they are served on this port. */
  readonly operations: OperationsOptions | undefined;
  readonly metricsNeedToken: boolean;
  /** What `/` says on this port. */
  readonly status: () => Facts;
  /** Told of requests that are refused for their credentials; `undefined` when metrics are switched off. */
  readonly activity: Pick<Activity, 'authFailed'> | undefined;
  readonly recorder: Recorder;
  /** Missing where decisions are not written down. */
  readonly audit: Pick<Audit, 'refused'> | undefined;
  readonly newRequestId: () => string;
  readonly logger: Logger;
}

/** The application of the main port: in this order, what every request passes. */
export function createApp(options: AppOptions): Express {
  const { operations, protectedResource } = options;
  const page = statusPage(options.status);
  const challenges = challengesFor(protectedResource && metadataUrlOf(protectedResource.resource));
  const known: Asked = { challenges };
  const askedBy = (): Asked => known;
  const { guard, metricsGuards, pageGuards } = guardsOf(options, askedBy, page);
  const guarded = { ...options, challenges, askedBy, guard };
  const app = bareApp();
  app.set('trust proxy', options.trustedProxies);
  tellRefusals(app, onRefusal(options));

  app.use(MCP_PATHS, problemsInJsonRpc);
  app.use(measure(options.recorder, options.now));
  app.use(requestIds(options.newRequestId));
  app.use(oneHost);
  // Before the guard: probes have no power, and what asks them may call this server by any name.
  if (operations) app.use(besidesCalls(probeRoutes(operations)));
  app.use(hostGuard(options.allowedHosts, options.allowedOrigins));
  if (operations) app.use(besidesCalls(metricsRoutes({ ...operations, metricsGuards })));
  app.use(cors(options.allowedOrigins));
  // Not sooner: probes and scrapes come all the time, and nobody wants their traces.
  if (options.tracing) app.use(traceRequests(options.tracing));
  app.use(mcpRoutes('/mcp', { ...guarded, ...servesMcp(options.mcp) }));
  if (options.relays) {
    const asks = asksForServer(known, protectedResource?.resource);
    const ofRelays = { askedBy: asks, guard: requireCaller(options.authenticate, asks) };
    app.use(mcpRoutes(RELAY_ROUTE, { ...guarded, ...ofRelays, ...servesUpstreams(options.relays) }));
  }
  if (protectedResource)
    app.use(besidesCalls(protectedResourceRoutes(protectedResource, options.relays?.names)));
  app.use(restRoutes(guarded));
  app.get('/', pageGuards, page.serve);
  app.all('/', wrongMethod('GET, HEAD', '; MCP is at /mcp'));
  app.get('/openapi.json', guard, withinQuota(options.quota), (_request, response) => {
    const tools = visibleTo(callerOf(response), options.catalogue.tools);
    response.json(openApi(tools, options.info));
  });
  app.all('/openapi.json', wrongMethod('GET, HEAD'));
  if (!operations)
    app.use(
      OPERATIONS_PATHS,
      notFound('Probes, and metrics if they are on, are at the operations port (ops.port)'),
    );
  app.use(notFound('There is nothing here: MCP is at /mcp, and /openapi.json lists the paths of REST'));
  app.use(onError(options.logger));
  return app;
}

/** The application of the operations port, for the pod network: probes, metrics, the status page, and what replicas pass on. */
export function createOperationsApp(
  options: OperationsOptions,
  status: (() => Facts) | undefined,
  logger: Logger,
  peers: PeerOptions | undefined,
): Express {
  const app = bareApp();
  // For MCP clients that take this port for the main one.
  app.use(MCP_PATHS, problemsInJsonRpc);
  app.use(oneHost);
  app.use(probeRoutes(options));
  app.use(metricsRoutes(options));
  if (peers) app.use(peerRoutes(peers));
  if (status) {
    app.get('/', statusPage(status).serve);
    app.all('/', wrongMethod('GET, HEAD'));
  }
  app.use(notFound('Not found: this is the operations port, which has only probes, metrics and /'));
  app.use(onError(logger));
  return app;
}

function bareApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  leaveToServer(app.response);
  return app;
}

/** Where MCP is spoken: problems there are JSON-RPC errors. */
const MCP_PATHS = ['/mcp', RELAY_ROUTE];

/** Where calls come. */
const CALL_PATHS: ReadonlySet<string> = new Set(['/mcp', '/execute']);

/** Routes for other requests than calls, which need not pass them: the router looks at each for some tenths of a microsecond. */
const besidesCalls =
  (routes: RequestHandler): RequestHandler =>
  (request, response, next) => {
    if (CALL_PATHS.has(request.path) || request.path.startsWith('/servers/')) next();
    else void routes(request, response, next);
  };

/** Who must say who they are: clients always; where `metrics.needToken` is set, scrapers and readers of the page, too. */
function guardsOf({ authenticate, metricsNeedToken }: AppOptions, askedBy: () => Asked, page: StatusPage) {
  const guard = requireCaller(authenticate, askedBy);
  // A browser has no token until the page has asked for one: to come without is no failure.
  const refuse: typeof page.refuse = (request, response, { refusedFor, ...problem }) => {
    page.refuse(
      request,
      response,
      refusedFor === undefined || refusedFor === 'missing' ? problem : { ...problem, refusedFor },
    );
  };
  if (!metricsNeedToken) return { guard, metricsGuards: [], pageGuards: [] };
  const watcher = requireWatcher(askedBy().challenges);
  return {
    guard,
    metricsGuards: [guard, watcher],
    pageGuards: [requireCaller(authenticate, askedBy, refuse), watcher],
  };
}

/** Counts the failures of credentials, and writes down every refusal. */
const onRefusal =
  ({ recorder, activity, audit }: AppOptions): Parameters<typeof tellRefusals>[1] =>
  (request, response, reason, status) => {
    if (isAuthFailure(reason)) {
      recorder.authFailure(reason);
      activity?.authFailed();
    }
    audit?.refused({
      reason,
      status,
      method: request.method,
      path: request.path,
      caller: knownCallerOf(response),
      address: clientOf(addressOf(request)) ?? 'unknown',
      requestId: requestIdOf(response),
    });
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
