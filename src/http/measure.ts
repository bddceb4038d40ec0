import type { Request, RequestHandler, Response } from 'express';
import { UNMATCHED } from '../monitoring/metrics/labels.ts';
import type { Recorder } from '../monitoring/metrics/recorder.ts';

/** The status label of requests whose client went away before an answer. */
const CLIENT_GONE = 499;

/** The template of the route that matched, such as `/tools/:name`; never the path, of which there are any number. */
export function routeOf(request: Request): string {
  const route = (request.route as { path?: unknown } | undefined)?.path;
  return typeof route === 'string' ? route : UNMATCHED;
}

export const statusOf = (response: Response): number =>
  response.headersSent ? response.statusCode : CLIENT_GONE;

/** Times every HTTP request under its route's template. */
export function measure(recorder: Recorder, now: () => number): RequestHandler {
  return (request, response, next) => {
    const startedAt = now();
    response.on('close', () => {
      recorder.httpRequest(routeOf(request), request.method, statusOf(response), now() - startedAt);
    });
    next();
  };
}
