import type { RequestHandler } from 'express';
import { isAddress, isLoopback, readHost, readOrigin, writeHost, writeOrigin } from './host-names.ts';
import { sendProblem } from './problem.ts';

/**
 * Refuses what is no request by RFC 9112, section 3.2: one with more than one Host, or in HTTP/1.1 without any. Proxies
 * might understand it otherwise than this server does.
 */
export const oneHost: RequestHandler = (request, response, next) => {
  const count = countOf('host', request.rawHeaders);
  if (count === 1 || (count === 0 && request.httpVersion !== '1.1')) {
    next();
    return;
  }
  const detail = count === 0 ? 'The Host header is missing' : 'There is more than one Host header';
  sendProblem(request, response, { status: 400, detail });
};

/** How many headers of a name there are in a list of names and values. */
function countOf(name: string, rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const each = rawHeaders[index];
    if (each?.length === name.length && each.toLowerCase() === name) count += 1;
  }
  return count;
}

/**
 * Refuses requests that a web page could have made by DNS rebinding: their Host is a name that is not ours, or
 * their Origin a site that is neither allowed nor the one that they ask (MCP, "Security Warning" of Streamable HTTP).
 * Addresses pass as Host, because rebinding needs a name; so scrapes by pod address work without configuration.
 *
 * @param allowedHosts further host names, as settings have them: without port; `*.example.com` stands for all names below
 *   `example.com`, as in the routes of gateways, and `*` switches the Host check off
 * @param allowedOrigins further origins, as settings have them, such as `https://app.example.com`
 */
export function hostGuard(
  allowedHosts: readonly string[],
  allowedOrigins: readonly string[],
): RequestHandler {
  const hosts = new Set(allowedHosts);
  const endings = allowedHosts.filter((host) => host.startsWith('*.')).map((host) => host.slice(1));
  const isNamed = (name: string): boolean =>
    name === 'localhost' ||
    isAddress(name) ||
    hosts.has(name) ||
    endings.some((ending) => name.endsWith(ending));
  const origins = new Set(allowedOrigins);
  // Mostly the one that was asked for last is asked for again, and to read one takes some microseconds.
  let last = { host: '', isOurs: false };
  const isOneOfOurs = (host: string): boolean => {
    if (host === last.host) return last.isOurs;
    const name = readHost(host)?.name;
    last = { host, isOurs: name !== undefined && isNamed(name) };
    return last.isOurs;
  };
  return (request, response, next) => {
    const { host = '', origin } = request.headers;
    const isOurs = isOneOfOurs(host);
    if (!isOurs && !hosts.has('*')) {
      sendProblem(request, response, {
        status: 403,
        refusedFor: 'host',
        detail:
          'The Host header names a host this server does not answer for; see the setting server.allowedHosts',
      });
    } else if (origin !== undefined && !mayAsk(origin, origins, isOurs ? host : undefined)) {
      sendProblem(request, response, {
        status: 403,
        refusedFor: 'origin',
        detail: 'Requests from this Origin are not allowed; see the setting server.allowedOrigins',
      });
    } else {
      next();
    }
  };
}

/** Whether an Origin header is one of some origins, as settings have them. */
export function isListed(header: string, allowed: ReadonlySet<string>): boolean {
  const origin = readOrigin(header);
  return allowed.has(origin ? writeOrigin(origin) : header);
}

/** @param host the Host header, where its name is ours: a page that comes from there asks its own server */
function mayAsk(header: string, allowed: ReadonlySet<string>, host: string | undefined): boolean {
  if (isListed(header, allowed)) return true;
  const origin = readOrigin(header);
  if (!origin) return false;
  if (isLoopback(origin.name)) return true;
  // Whether the client came by TLS, only the proxy in front knows: the scheme is taken to be that of the page.
  const asked = host === undefined ? undefined : readOrigin(`${origin.scheme}//${host}`);
  return asked !== undefined && writeHost(asked) === writeHost(origin);
}
