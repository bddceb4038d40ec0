import { isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { sendProblem } from './problem.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses requests that a web page could have made by DNS rebinding: their Host is a name that is not ours, or
 * their Origin a site that is not allowed (MCP, "Security Warning" of Streamable HTTP). IP literals pass as Host,
 * because rebinding needs a name; so probes and scrapes by pod address work without configuration.
 *
 * @param allowedHosts further host names, without port; `*.example.com` stands for all names below `example.com`, as in
 *   the routes of gateways, and `*` switches the Host check off
 * @param allowedOrigins further origins, such as `https://app.example.com`
 */
export function hostGuard(
  allowedHosts: readonly string[],
  allowedOrigins: readonly string[],
): RequestHandler {
  const hosts = new Set([...LOOPBACK, ...allowedHosts.map((host) => host.toLowerCase())]);
  const origins = new Set(allowedOrigins);
  return (request, response, next) => {
    const { host, origin } = request.headers;
    if (host === undefined && request.httpVersion === '1.1') {
      sendProblem(request, response, { status: 400, detail: 'The Host header is missing' });
    } else if (!hosts.has('*') && !isOurs(hostnameOf(`http://${host ?? ''}`), hosts)) {
      sendProblem(request, response, {
        status: 403,
        detail:
          'The Host header names a host this server does not answer for; see the setting server.allowedHosts',
      });
    } else if (origin !== undefined && !origins.has(origin) && !LOOPBACK.includes(hostnameOf(origin) ?? '')) {
      sendProblem(request, response, {
        status: 403,
        detail: 'Requests from this Origin are not allowed; see the setting server.allowedOrigins',
      });
    } else {
      next();
    }
  };
}

function isOurs(hostname: string | undefined, hosts: ReadonlySet<string>): boolean {
  if (hostname === undefined) return false;
  if (hosts.has(hostname) || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return true;
  const labels = hostname.split('.');
  return labels.some((_label, index) => index > 0 && hosts.has(['*', ...labels.slice(index)].join('.')));
}

const hostnameOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).hostname : undefined;
