import type { RequestHandler } from 'express';
import type { Tracing } from '../monitoring/traces/tracing.ts';
import { routeOf, statusOf } from './measure.ts';

/** Makes a span of every HTTP request that passes; the spans of what it causes are its children. */
export const traceRequests =
  (tracing: Tracing): RequestHandler =>
  (request, response, next) => {
    tracing.request(request.method, request.headers, (end) => {
      response.on('close', () => {
        end(routeOf(request), statusOf(response));
      });
      next();
    });
  };
