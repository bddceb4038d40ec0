import { isIP, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A host, and the port if one is written, as the names of a URL are: lower case, punycode, addresses in one form. */
export interface Host {
  /** Without the dot that may end a full name; IPv6 in brackets. */
  readonly name: string;
  /** Empty where none is written. */
  readonly port: string;
}

/** Of the name of a host (RFC 1035, section 2.3.4), and of what may stand around it. What is longer is not parsed. */
const MAX_NAME = 253;
const MAX_PORT = '.:65535'.length;
const MAX_SCHEME = 64;

/** Reads `host` or `host:port` (RFC 9110, section 7.2); `undefined` when it is neither. */
export function readHost(text: string): Host | undefined {
  if (text.length > MAX_NAME + MAX_PORT) return undefined;
  // A URL would take these for the ends of a host, or drop them.
  if (/[\s/?#@\\]/.test(text)) return undefined;
  const port = /:(\d*)$/.exec(text)?.[1] ?? '';
  const url = parseUrl(`http://${text}`);
  return url && named({ name: withoutDot(url.hostname), port });
}

/** An origin (RFC 6454): its scheme, host and port, without the port that the scheme has anyway. */
export function readOrigin(text: string): (Host & { readonly scheme: string }) | undefined {
  if (text.length > MAX_SCHEME + MAX_NAME + MAX_PORT) return undefined;
  const url = parseUrl(text);
  if (!url || !/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@\\]+$/i.test(text)) return undefined;
  return named({ scheme: url.protocol, name: withoutDot(url.hostname.toLowerCase()), port: url.port });
}

const named = <Part extends Host>(host: Part): Part | undefined =>
  host.name.length > MAX_NAME ? undefined : host;

export const writeHost = ({ name, port }: Host): string => (port === '' ? name : `${name}:${port}`);

export const writeOrigin = (origin: Host & { readonly scheme: string }): string =>
  `${origin.scheme}//${writeHost(origin)}`;

/** Whether a name is an address: no name that an attacker could have resolved to it. */
export const isAddress = (name: string): boolean => isIP(withoutBrackets(name)) !== 0;

/** Whether a name is this machine for whoever says it. */
export function isLoopback(name: string): boolean {
  return (
    name === 'localhost' || (isAddress(name) && ipaddr.process(withoutBrackets(name)).range() === 'loopback')
  );
}

const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);
const withoutDot = (name: string): string => name.replace(/\.$/, '');
const withoutBrackets = (name: string): string => name.replace(/^\[|\]$/g, '');

/** How a setting is to be understood, or why it never could be. */
export type Reading =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly problem: string };

/** Reads an entry of `server.allowedHosts`: a name, `*.` and a name, or `*`. */
export function readAllowedHost(text: string): Reading {
  if (text === '*') return { ok: true, value: '*' };
  const [, wildcard = '', rest = ''] = /^(\*\.)?([^]*)$/.exec(text) ?? [];
  const host = readHost(isIPv6(rest) ? `[${rest}]` : rest);
  if (host?.port === '' && !hasPort(rest) && isPlain(host.name) && !(wildcard !== '' && isAddress(host.name)))
    return { ok: true, value: wildcard + host.name };
  const [, spelling] = /^(?:[a-z][a-z\d+.-]*:\/\/)?(?:[^@/]*@)?([^/?#\\]*)/i.exec(text) ?? [];
  return refuse(text, 'is not the name of a host, without scheme, port and path', hostIn(spelling ?? ''));
}

/** Reads an entry of `server.allowedOrigins`: as browsers send it, or `null`. */
export function readAllowedOrigin(text: string): Reading {
  if (text === 'null') return { ok: true, value: 'null' };
  const origin = readOrigin(text.replace(/(?<=[^/])\/$/, ''));
  if (origin && isPlain(origin.name)) return { ok: true, value: writeOrigin(origin) };
  const problem = 'is not the origin of a page, which is scheme://host or scheme://host:port, in full';
  if (/^file:/i.test(text)) return refuse(text, problem, 'null');
  const [, scheme = 'https://', spelling = ''] =
    /^([a-z][a-z\d+.-]*:\/\/)?(?:[^@/]*@)?([^/?#\\]*)/i.exec(text) ?? [];
  const meant = readOrigin(scheme + spelling);
  return refuse(text, problem, meant && isPlain(meant.name) ? writeOrigin(meant) : undefined);
}

/** Reads `sessions.address`: an IP address, such as Kubernetes gives a pod. */
export const readAddress = (text: string): Reading =>
  isIP(text) === 0 ? refuse(text, 'is not an IP address', undefined) : { ok: true, value: text };

/** Reads an entry of `sessions.peers`: a host and a port. */
export function readHostAndPort(text: string): Reading {
  const host = readHost(text);
  if (host && host.port !== '' && host.port !== '0' && isPlain(host.name))
    return { ok: true, value: writeHost(host) };
  return refuse(text, 'is not host:port', undefined);
}

/** The host that was meant by what has too much about it, such as `*example.com` or `.example.com:443`. */
function hostIn(text: string): string | undefined {
  const [, below, rest = ''] = /^(\*\.?|\.)?([^]*)$/.exec(text) ?? [];
  const name = readHost(isIPv6(rest) ? `[${rest}]` : rest)?.name;
  if (name === undefined || !isPlain(name)) return undefined;
  return below === undefined || isAddress(name) ? name : `*.${name}`;
}

/** Whether a name can be that of a host: a URL takes more for one. */
const isPlain = (name: string): boolean => name !== '' && !/[*\s]|^\.|\.\.|\.$/.test(name);

const hasPort = (text: string): boolean => /:\d*$/.test(text) && !isIPv6(text);

const refuse = (text: string, problem: string, spelling: string | undefined): Reading => ({
  ok: false,
  problem: `${text} ${problem}${spelling === undefined ? '' : `: write ${spelling}`}`,
});
