import type { RequestHandler, Response } from 'express';

/** What may stand in logs and headers as it is. */
const WELL_FORMED = /^[\w.:=+/@-]{1,128}$/;

/**
 * Gives every request an id, its own `X-Request-Id` if that is well-formed, and answers with it. Log lines and
 * failed results name the same one.
 */
export function requestIds(newRequestId: () => string): RequestHandler {
  return (request, response, next) => {
    const given = request.get('x-request-id');
    const id = given !== undefined && WELL_FORMED.test(given) ? given : newRequestId();
    response.locals[REQUEST_ID] = id;
    response.setHeader('x-request-id', id);
    next();
  };
}

const REQUEST_ID = 'requestId';

/** The id of a request that passed {@link requestIds}. */
export const requestIdOf = (response: Response): string => response.locals[REQUEST_ID] as string;
