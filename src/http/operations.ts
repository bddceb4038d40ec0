import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Router, type RequestHandler } from 'express';
import { CONTENT_TYPES, preferredFormat, type ExpositionFormat } from '../monitoring/exposition.ts';
import { wrongMethod } from './problem.ts';

export interface OperationsOptions {
  /** Writes the metrics; `undefined` serves no `/metrics`. */
  readonly metrics: ((format: ExpositionFormat) => Promise<string>) | undefined;
  /** Stands before `/metrics`; probes are always open. */
  readonly metricsGuard: RequestHandler;
  /** The checks that fail now; ready when there is none. */
  readonly failingChecks: () => readonly string[];
}

const compress = promisify(gzip);

/** What an operator's systems ask: probes and metrics. None of it waits for a tool. */
export function operationsRoutes({ metrics, metricsGuard, failingChecks }: OperationsOptions): Router {
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

  if (metrics) {
    router.get('/metrics', metricsGuard, async (request, response) => {
      const format = preferredFormat(request.get('accept'));
      const text = await metrics(format);
      // Set by hand: Express would append its own charset and an ETag that costs a hash of the whole text.
      response.setHeader('content-type', CONTENT_TYPES[format]);
      response.setHeader('vary', 'Accept, Accept-Encoding');
      if (request.acceptsEncodings('gzip', 'identity') === 'gzip') {
        response.setHeader('content-encoding', 'gzip');
        response.end(await compress(text));
      } else {
        response.end(text);
      }
    });
    router.all('/metrics', wrongMethod('GET, HEAD'));
  }
  return router;
}
