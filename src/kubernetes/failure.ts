import type { FailureReason, Verb } from './labels.ts';

/** A request to the Kubernetes API failed; the message is in words for a person, without secrets. */
export class KubernetesFailure extends Error {
  readonly reason: FailureReason;
  /** How long the API wants not to be asked again, in seconds; 0 where it does not say. */
  readonly retryAfter: number;

  constructor(reason: FailureReason, message: string, retryAfter = 0) {
    super(message);
    this.name = 'KubernetesFailure';
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

const BY_STATUS: Readonly<Record<number, FailureReason>> = {
  401: 'unauthorized',
  403: 'forbidden',
  410: 'gone',
  429: 'unavailable',
};

/**
 * What a status says that is none of success.
 * @param said the message of the API, if it has one
 * @param retryAfter the header of that name (RFC 9110, section 10.2.3); of its two forms Kubernetes writes seconds
 */
export function refusal(status: number, said: string, retryAfter?: unknown): KubernetesFailure {
  const reason = BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : 'other');
  const seconds = reason === 'unavailable' && /^\d{1,9}$/.test(String(retryAfter)) ? Number(retryAfter) : 0;
  return new KubernetesFailure(reason, `HTTP ${status}${said === '' ? '' : `: ${oneLine(said)}`}`, seconds);
}

/** That an account may not do something with Services, and what to do about it. */
export const forbidden = (verb: Verb, namespace: string, { message }: KubernetesFailure): KubernetesFailure =>
  new KubernetesFailure(
    'forbidden',
    `its account may not ${verb} services in the namespace ${namespace}; ` +
      `grant list and watch on services there, by a Role and a RoleBinding (${message})`,
  );

const MAX_SAID = 300;

const oneLine = (text: string): string =>
  text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, MAX_SAID);

/** What an error of a request says. What is no error of the network is a bug, and thrown on. */
export function asFailure(error: unknown): KubernetesFailure {
  if (error instanceof KubernetesFailure) return error;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new KubernetesFailure('unreachable', 'it does not answer in time');
  if (error instanceof Error && error.name === 'HTTPParserError')
    return new KubernetesFailure('other', 'its answer is not HTTP');
  const code = codeIn(error);
  if (code === undefined) throw error;
  return new KubernetesFailure('unreachable', `it cannot be reached (${code})`);
}

/** The code of an error of the network, or of the one that caused it. */
export function codeIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  // Of several addresses none could be reached.
  return codeIn(error instanceof AggregateError ? error.errors[0] : error.cause);
}
