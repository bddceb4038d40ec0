import type { RequestHandler } from 'express';
import { isListed } from './host-guard.ts';
import { sendProblem } from './problem.ts';

/** What pages may send: the headers of MCP in both eras ("Streamable HTTP"), and what REST and traces use. */
const REQUEST_HEADERS = [
  'accept',
  'authorization',
  'baggage',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'traceparent',
  'tracestate',
  'x-request-id',
];

/** Those that repeat arguments have the names that tools give them (MCP 2026-07-28, "Custom Headers from Tool Parameters"). */
const OF_PARAMETER = /^mcp-param-[\w-]+$/;

/** What pages may read of an answer besides what every page may. */
const EXPOSED = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After, X-Request-Id';

const NOT_LISTED = 'Pages of this Origin may not read answers; see the setting server.allowedOrigins';

/** How long a browser need not ask again, in seconds: the longest that Chromium heeds. */
const MAX_AGE_SECONDS = 7200;

/**
 * Lets pages of the given origins read the answers, and answers what their browsers ask beforehand (Fetch, "CORS protocol"). A preflight
 * needs no token, because browsers send none with it: without one it would be counted as a failure that nobody can mend. It takes
 * nothing from a quota. Cookies are not let through: nothing here has any.
 * @param origins as settings have them; other pages that may send requests learn nothing, and what their browsers ask is refused
 */
export function cors(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins);
  return (request, response, next) => {
    // Of every answer, so that no cache gives one page what was answered to another.
    if (allowed.size > 0) response.vary('Origin');
    const { origin, 'access-control-request-method': asked } = request.headers;
    const isPreflight = request.method === 'OPTIONS' && asked !== undefined;
    if (origin === undefined || !isListed(origin, allowed)) {
      if (origin === undefined || !isPreflight) next();
      else sendProblem(request, response, { status: 403, refusedFor: 'origin', detail: NOT_LISTED });
      return;
    }
    response.setHeader('access-control-allow-origin', origin);
    if (!isPreflight) {
      response.setHeader('access-control-expose-headers', EXPOSED);
      next();
      return;
    }
    const wanted = (request.headers['access-control-request-headers'] ?? '').toLowerCase();
    const ofParameters = wanted
      .split(',')
      .map((name) => name.trim())
      .filter((name) => OF_PARAMETER.test(name));
    response.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
    response.setHeader('access-control-allow-headers', [...REQUEST_HEADERS, ...ofParameters].join(', '));
    response.setHeader('access-control-max-age', MAX_AGE_SECONDS);
    response.end();
  };
}
