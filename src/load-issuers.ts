import type { IssuerReport } from './authorization/labels.ts';
import { JwtCallers, type JwtCallersOptions } from './authorization/jwt-callers.ts';
import type { ProtectedResource } from './authorization/protected-resource.ts';
import type { Settings } from './config/settings.ts';
import type { Audit } from './monitoring/audit/audit.ts';
import type { Logger } from './monitoring/logging.ts';
import type { IssuerRecorder } from './monitoring/metrics/issuer-recorder.ts';

interface Surroundings {
  readonly recorder: { readonly issuers: Pick<IssuerRecorder, 'added' | 'keysRefreshed'> };
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** In seconds of Unix time. */
  readonly unixTime: () => number;
  /** With it users are hashed for the log. */
  readonly hashKey: Uint8Array;
  readonly audit: Pick<Audit, 'changed'> | undefined;
}

/** The OAuth side of a server. */
export interface OAuth {
  readonly callers: JwtCallers;
  readonly resource: ProtectedResource;
  readonly report: () => readonly IssuerReport[];
}

/** What the settings say of issuers, with what measures their keys; `undefined` where there are none. */
export function loadIssuers(auth: Settings['auth'], surroundings: Surroundings): OAuth | undefined {
  const { resource, keysKeptSeconds: keptSeconds } = auth;
  if (auth.issuers.length === 0 || resource === undefined) return undefined;
  const { recorder, ...clocks } = surroundings;
  const issuers = auth.issuers.map(({ audiences, ...issuer }) => ({
    ...issuer,
    audiences: audiences ?? [resource],
    hasOnlyAudiences: audiences !== undefined,
  }));
  const troubles: Troubles = new Map();
  const callers = new JwtCallers({
    ...clocks,
    issuers,
    keptSeconds,
    fetch: globalThis.fetch,
    random: Math.random,
    loaded: observed(surroundings, troubles),
  });
  for (const { issuer, ageSeconds } of callers.ages) recorder.issuers.added(issuer, ageSeconds);
  const report = (): readonly IssuerReport[] =>
    callers.ages.map(({ issuer, ageSeconds, areGood }) => {
      const trouble = troubles.get(issuer);
      return {
        issuer,
        keys_usable: areGood(),
        keys_age_seconds: ageSeconds(),
        failing_seconds: trouble ? surroundings.now() - trouble.since : 0,
        why: trouble?.why ?? '',
      };
    });
  return { callers, resource: { resource, issuers }, report };
}

/** What is wrong with the issuers that do not give their keys, and since when: monotonic, in seconds. */
type Troubles = Map<string, { readonly outcome: string; readonly why: string; readonly since: number }>;

/** What becomes of tokens meanwhile. */
const MEANWHILE = {
  before: 'there are none yet, so its tokens are refused',
  after: 'the old ones are used for auth.keysKeptSeconds',
} as const;

/** Counts each answer; the log has one line when something is wrong with an issuer, and one when all is well again. */
function observed(
  { recorder, logger, audit, now }: Surroundings,
  troubles: Troubles,
): JwtCallersOptions['loaded'] {
  const known = new Set<string>();
  return (issuer, answer, isNew) => {
    const outcome = answer.ok ? 'success' : answer.outcome;
    recorder.issuers.keysRefreshed(issuer, outcome);
    const before = troubles.get(issuer);
    if (answer.ok) {
      known.add(issuer);
      if (isNew) audit?.changed('keys_changed', 'success', { issuer, key_ids: idsOf(answer.keys.keys) });
      troubles.delete(issuer);
      if (before !== undefined) logger.info({ issuer }, 'the issuer gives its keys again');
    } else {
      troubles.set(issuer, { outcome, why: answer.problem, since: before?.since ?? now() });
      if (before?.outcome !== outcome)
        logger.warn(
          { issuer, outcome, why: answer.problem },
          `the issuer does not give its keys; ${known.has(issuer) ? MEANWHILE.after : MEANWHILE.before}`,
        );
    }
  };
}

/** Of the id of a key, as much is written, in characters. */
const MAX_KEY_ID = 64;

const idsOf = (keys: readonly { readonly kid?: string | undefined }[]): readonly string[] =>
  keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid.slice(0, MAX_KEY_ID)]));
