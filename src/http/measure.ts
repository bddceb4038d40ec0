import type { RequestHandler } from 'express';
import type { Monitoring } from '../monitoring/recorder.ts';

/** The route label of requests that no route matched. */
const UNMATCHED = 'unmatched';

/** The status label of requests whose client went away before an answer. */
const CLIENT_GONE = 499;

/** Times every HTTP request under its route's template, never its path. */
export function measure(monitoring: Monitoring, now: () => number): RequestHandler {
  return (request, response, next) => {
    const startedAt = now();
    response.on('close', () => {
      const route = (request.route as { path?: unknown } | undefined)?.path;
      const template = typeof route === 'string' ? route : UNMATCHED;
      const status = response.headersSent ? response.statusCode : CLIENT_GONE;
      monitoring.httpRequest(template, request.method, status, now() - startedAt);
    });
    next();
  };
}
