import type { RequestHandler, Response } from 'express';
import { givenRequestId } from '../monitoring/door/request-id.ts';

/**
 * Gives every request an id, its own `X-Request-Id` if that is well-formed, and answers with it. Log lines and
 * failed results name the same one.
 */
export function requestIds(newRequestId: () => string): RequestHandler {
  return (request, response, next) => {
    const { 'x-request-id': given } = request.headers;
    const id = givenRequestId(given === undefined ? undefined : String(given)) ?? newRequestId();
    response.locals[REQUEST_ID] = id;
    response.setHeader('x-request-id', id);
    next();
  };
}

const REQUEST_ID = 'requestId';

/** The id of a request that passed {@link requestIds}. */
export const requestIdOf = (response: Response): string => response.locals[REQUEST_ID] as string;
