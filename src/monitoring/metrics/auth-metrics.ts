import { AUTH_FAILURE_REASONS, KEY_REFRESH_OUTCOMES } from '../../authorization/labels.ts';
import { counter, exactly, gauge, given } from './declaration.ts';
import { onUse, serverOnly } from './row.ts';

/** How many there are, only the settings say. */
const issuer = given(0);

/** The metrics of issuers of tokens. */
const ISSUER_METRICS = {
  mcp_auth_keys_age_seconds: serverOnly(
    gauge(
      'Seconds since an issuer of access tokens last gave its keys, or since it was first asked if it has not yet',
      { issuer },
    ),
  ),
  mcp_auth_key_refreshes_total: serverOnly(
    counter('Requests for the keys of an issuer of access tokens, by outcome', {
      issuer,
      outcome: exactly(KEY_REFRESH_OUTCOMES),
    }),
  ),
} as const;

/** The metrics of who calls; a part of the table of metrics. */
export const AUTH_METRICS = {
  mcp_auth_failures_total: serverOnly(
    counter('Requests refused for their credentials', { reason: exactly(AUTH_FAILURE_REASONS) }),
  ),
  mcp_token_file_current: serverOnly(
    onUse(
      gauge(
        '1 while the tokens in effect are those of auth.tokensFile, 0 after it has changed and cannot be used',
      ),
    ),
  ),
  ...ISSUER_METRICS,
} as const;

/** Those metrics, for a number of issuers. */
export const issuerRows = (most: number) =>
  Object.fromEntries(
    Object.entries(ISSUER_METRICS).map(([name, row]) => [
      name,
      { ...row, labels: { ...row.labels, issuer: given(most) } },
    ]),
  );
