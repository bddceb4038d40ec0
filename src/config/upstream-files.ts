import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { readText, parseYaml } from './read-yaml.ts';
import type { UpstreamSettings } from './upstream-settings.ts';

/** An upstream with what its files say. */
export interface LoadedUpstream extends UpstreamSettings {
  /** Headers of each request to it; they hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates that its own is checked by, in PEM; missing for those that Node has. */
  readonly ca: string | undefined;
}

type Part<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the files of upstreams.
 * @param directory what relative paths start from
 * @returns the problems of all, which name the file and the header, never what is in it
 */
export function loadUpstreams(
  upstreams: readonly UpstreamSettings[],
  directory: string,
):
  | { readonly ok: true; readonly upstreams: readonly LoadedUpstream[] }
  | { readonly ok: false; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const loaded = upstreams.map((upstream): LoadedUpstream => {
    const take = <Value>(
      key: 'tokenFile' | 'headersFile' | 'caFile',
      read: (text: string) => Part<Value>,
    ) => {
      const path = upstream[key];
      if (path === undefined) return undefined;
      const file = readText(resolve(directory, path));
      const part: Part<Value> = file.ok ? read(file.text) : file;
      if (part.ok) return part.value;
      problems.push(`upstreams: ${key} of ${upstream.name}: ${part.problem}`);
      return undefined;
    };
    const token = take('tokenFile', tokenIn);
    const headers = take('headersFile', headersIn) ?? {};
    if (token !== undefined && 'authorization' in headers)
      problems.push(`upstreams: ${upstream.name} has tokenFile, and authorization in headersFile, too`);
    return {
      ...upstream,
      headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      ca: take('caFile', certificatesIn),
    };
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, upstreams: loaded };
}

function tokenIn(text: string): Part<string> {
  const token = text.trim();
  return /^[\x21-\x7e]+$/.test(token)
    ? { ok: true, value: token }
    : { ok: false, problem: 'must hold one token, without spaces' };
}

/** RFC 9110, sections 5.6.2 and 5.5. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^[\x20-\x7e\t]*$/;

/** Headers that the protocol or the connection sets. */
const NOT_TO_SET =
  /^(?:accept|accept-encoding|connection|content-.*|expect|host|http2-settings|keep-alive|last-event-id|mcp-.*|proxy-.*|te|trace(?:parent|state)|trailer|transfer-encoding|upgrade)$/;

function headersIn(text: string): Part<Readonly<Record<string, string>>> {
  const refuse = (problem: string) => ({ ok: false, problem }) as const;
  const yaml = parseYaml({ ok: true, path: 'its content', text });
  if (!yaml.ok) return refuse(yaml.problem);
  const { content } = yaml;
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    return refuse('must be a YAML mapping of names to values');
  const headers: Record<string, string> = {};
  for (const [written, value] of Object.entries(content)) {
    const name = written.toLowerCase();
    if (!HEADER_NAME.test(name)) return refuse('has a name that no header may have');
    if (NOT_TO_SET.test(name)) return refuse(`has ${name}, which is not to be set here`);
    if (name in headers) return refuse(`has ${name} twice`);
    if (typeof value !== 'string' || !HEADER_VALUE.test(value))
      return refuse(`has a value of ${name} that is not one line of ASCII text`);
    headers[name] = value;
  }
  return { ok: true, value: headers };
}

function certificatesIn(text: string): Part<string> {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    return { ok: false, problem: 'has a certificate that cannot be read' };
  }
  return blocks.length > 0
    ? { ok: true, value: blocks.join('\n') }
    : { ok: false, problem: 'has no certificate in PEM' };
}
