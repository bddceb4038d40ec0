import type { FailureReason } from './labels.ts';

/** A request to the Kubernetes API failed; the message is in words for a person, without secrets. */
export class KubernetesFailure extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason, message: string) {
    super(message);
    this.name = 'KubernetesFailure';
    this.reason = reason;
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
 */
export function refusal(status: number, said: string): KubernetesFailure {
  const reason = BY_STATUS[status] ?? (status >= 500 ? 'unavailable' : 'other');
  return new KubernetesFailure(reason, `HTTP ${status}${said === '' ? '' : `: ${oneLine(said)}`}`);
}

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
    return new KubernetesFailure('other', 'it answers with what is no HTTP');
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
