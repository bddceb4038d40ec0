import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';

export interface ProbeRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** How its host's name is resolved; left out, as the system does. */
  readonly lookup?: LookupFunction;
}

export interface ProbeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export type ProbeAnswerResult =
  | { readonly ok: true; readonly answer: ProbeAnswer }
  /** In words for the operator: what happened to the request, and what to do. */
  | { readonly ok: false; readonly problem: string };

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Makes a request on a connection of its own, so that a load balancer is free to choose another replica each time, as it
 * is for the requests of real clients.
 */
export async function ask(url: URL, { body, ...options }: ProbeRequest): Promise<ProbeAnswerResult> {
  try {
    const response = await send(url, options, body);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) return { ok: false, problem: `${url.href} sends more than ${MAX_BYTES} bytes` };
      chunks.push(chunk);
    }
    const { statusCode: status = 0, headers } = response;
    return { ok: true, answer: { status, headers, text: Buffer.concat(chunks).toString() } };
  } catch (error) {
    return { ok: false, problem: explain(url, error, options.signal) };
  }
}

const send = (
  url: URL,
  options: Omit<ProbeRequest, 'body'>,
  body: string | undefined,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    request(url, { ...options, agent: false }, resolve)
      .on('error', reject)
      .end(body);
  });

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; is the server running, and the port right?',
  ENOTFOUND: 'there is no such host; is the name right?',
  EAI_AGAIN: 'its name cannot be resolved now; is DNS working?',
  ECONNRESET: 'the connection was cut; does the server speak HTTP (or HTTPS) there?',
  EHOSTUNREACH: 'the host cannot be reached; does a network policy forbid it?',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'the host does not answer; does a network policy forbid it?',
  EPROTO: 'it does not speak TLS; is it http:// and not https://?',
};

const UNTRUSTED: readonly string[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

function explain(url: URL, error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `${url.href} did not answer in time; is the server overloaded or stuck?`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code.startsWith('HPE_')) return `${url.href} does not speak HTTP; is it https:// and not http://?`;
  const explanation = UNTRUSTED.includes(code)
    ? 'its certificate is not trusted; name its CA in NODE_EXTRA_CA_CERTS'
    : (EXPLANATIONS[code] ?? 'see the code');
  return `${url.href} cannot be reached (${code}): ${explanation}`;
}

const MAX_TEXT = 200;

/** Text from the server, made fit to print on one line of a terminal. */
export function quote(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)} …` : line;
}
