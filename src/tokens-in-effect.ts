import { createHash } from 'node:crypto';
import { bearer, type Authenticate } from './authorization/authentication.ts';
import { readText, type TextFile } from './config/read-yaml.ts';
import type { Settings } from './config/settings.ts';
import { isReadOnce, tokensOf, type Tokens } from './config/tokens.ts';
import type { Audit } from './monitoring/audit/audit.ts';
import type { Logger } from './monitoring/logging.ts';
import type { Recorder } from './monitoring/metrics/recorder.ts';

interface Parts {
  readonly auth: Settings['auth'];
  /** What is wrong with what tokens may use. */
  readonly problemsOf: (tokens: Tokens) => readonly string[];
  readonly recorder: Pick<Recorder, 'tokenFile'>;
  readonly logger: Logger;
  readonly audit: Pick<Audit, 'changed'> | undefined;
  /** Monotonic, in seconds. */
  readonly now: () => number;
}

/**
 * The bearer tokens that are good now: those of the settings, and those of the token file as it was when it was last found
 * good. They change all at once.
 */
export class TokensInEffect {
  readonly #path: string;
  readonly #parts: Parts;
  #authenticate: Authenticate;
  /** Stands for what the file was when it was last looked at, good or not; what it was is secret. */
  #seen: string;
  /** What is wrong with that. */
  #problems: readonly string[] = [];
  #staleSince: number | undefined;

  /**
   * @param file as it was read at the start
   * @param tokens all there were then
   */
  constructor(file: TextFile, tokens: Tokens, parts: Parts) {
    this.#path = file.path;
    this.#parts = parts;
    this.#authenticate = bearer(tokens);
    this.#seen = fingerprintOf(file);
  }

  /** Takes requests with one of the tokens that are in effect at that moment. */
  readonly authenticate: Authenticate = (credentials) => this.#authenticate(credentials);

  /**
   * Looks every so many seconds whether the file has changed. It reads, and waits for no events: Kubernetes puts
   * another file in the place of the first.
   * @returns ends that
   */
  watch(everySeconds: number): () => void {
    this.#measure();
    const looking = setInterval(() => this.#look(), everySeconds * 1000).unref();
    return () => {
      clearInterval(looking);
    };
  }

  /** Whether the tokens in effect are those of the file, and for how many seconds they have not been. */
  report(): { readonly current: boolean; readonly stale_seconds: number } {
    const since = this.#staleSince;
    return {
      current: since === undefined,
      stale_seconds: since === undefined ? 0 : this.#parts.now() - since,
    };
  }

  /** Reads the file again for somebody who asked, and says what it found even if that is not new. */
  reread(): void {
    if (this.#look()) return;
    if (this.#problems.length > 0) this.#complain();
    else this.#parts.logger.info('token file has not changed');
  }

  /** Puts the tokens of the file in effect if it has changed and is good. Returns whether it has changed. */
  #look(): boolean {
    const file = readAgain(this.#path);
    const seen = fingerprintOf(file);
    if (seen === this.#seen) return false;
    this.#seen = seen;
    this.#take(file);
    this.#measure();
    return true;
  }

  #take(file: TextFile): void {
    const { auth, problemsOf, logger, audit } = this.#parts;
    const read = tokensOf(auth, file);
    this.#problems = read.ok ? problemsOf(read.tokens) : read.problems;
    if (!read.ok || this.#problems.length > 0) {
      audit?.changed('tokens_changed', 'error', {});
      this.#complain();
      return;
    }
    this.#authenticate = bearer(read.tokens);
    audit?.changed('tokens_changed', 'success', { tokens: read.tokens.length });
    logger.info({ tokens: read.tokens.length }, 'token file read again: its tokens are in effect now');
  }

  #complain(): void {
    this.#parts.logger.error(
      { problems: this.#problems },
      'token file is invalid: THE OLD TOKENS STAY IN EFFECT, including those that it takes out; ' +
        'it is read again when it changes',
    );
  }

  #measure(): void {
    const isCurrent = this.#problems.length === 0;
    this.#staleSince = isCurrent ? undefined : (this.#staleSince ?? this.#parts.now());
    this.#parts.recorder.tokenFile(isCurrent);
  }
}

const readAgain = (path: string): TextFile =>
  isReadOnce(path)
    ? { ok: false, path, problem: `${path}: is no file that can be read again` }
    : readText(path);

const fingerprintOf = (file: TextFile): string =>
  createHash('sha256')
    .update(file.ok ? file.text : file.problem)
    .digest('base64');
