import { Router, type RequestHandler } from 'express';
import type { ExpositionFormat } from '../monitoring/metrics/exposition.ts';
import { metricsHandler } from '../monitoring/metrics/metrics-handler.ts';
import { notFound, wrongMethod } from './problem.ts';

export interface OperationsOptions {
  /** Writes the metrics; `undefined` serves no `/metrics`. */
  readonly metrics: ((format: ExpositionFormat) => Promise<Buffer>) | undefined;
  /** What stands before `/metrics`, if anything does; probes are always open. */
  readonly metricsGuards?: RequestHandler[];
  /** The checks that fail now; ready when there is none. */
  readonly failingChecks: () => readonly string[];
}

export const OPERATIONS_PATHS = ['/livez', '/healthz', '/readyz', '/metrics'];

/** What Kubernetes and load balancers ask, whatever name they call this server by. None of it waits for a tool. */
export function probeRoutes({ failingChecks }: Pick<OperationsOptions, 'failingChecks'>): Router {
  const router = Router();
  const alive: RequestHandler = (_request, response) => {
    response.json({ status: 'ok' });
  };
  router.get('/livez', alive);
  router.get('/healthz', alive);
  router.all(['/livez', '/healthz'], wrongMethod('GET, HEAD'));

  router.get('/readyz', (_request, response) => {
    const failing = failingChecks();
    const ready = failing.length === 0;
    response.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'not ready', failing });
  });
  router.all('/readyz', wrongMethod('GET, HEAD'));
  return router;
}

/** What Prometheus asks. */
export function metricsRoutes({
  metrics,
  metricsGuards = [],
}: Pick<OperationsOptions, 'metrics' | 'metricsGuards'>): Router {
  const router = Router();
  if (metrics) {
    router.get('/metrics', metricsGuards, metricsHandler(metrics));
    router.all('/metrics', wrongMethod('GET, HEAD'));
  } else {
    router.use('/metrics', notFound('There are no metrics: metrics.enabled or metrics.endpoint is false'));
  }
  return router;
}
