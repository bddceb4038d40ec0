import { AUTH_FAILURE_REASONS, KEY_REFRESH_OUTCOMES } from '../../authorization/labels.ts';
import { counter, exactly, gauge, given } from './declaration.ts';
import { onUse, serverOnly } from './row.ts';

/** How many there are, only the settings say. */
const issuer = given(0);

/** The metrics of issuers of tokens. */
const ISSUER_METRICS = {
  mcp_auth_keys_age_seconds: serverOnly(
    gauge(
      'How long ago an issuer of access tokens last gave its keys; before, how long the server has asked for them',
      { issuer },
    ),
  ),
  mcp_auth_key_refreshes_total: serverOnly(
    counter('How often an issuer of access tokens was asked for its keys, by what became of it', {
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
        'Whether the tokens in effect are those of auth.tokensFile; 0 since it has changed and is no good',
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
