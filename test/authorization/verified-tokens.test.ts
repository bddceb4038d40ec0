import { describe, expect, it } from 'vitest';
import { trustedCaller } from '../../src/authorization/caller.ts';
import { VerifiedTokens } from '../../src/authorization/verified-tokens.ts';

const caller = trustedCaller('jwt:https://idp.example#ada');
const good = { caller, expiresAt: 1000, stands: () => true };

describe('tokens that were verified', () => {
  it('are remembered until they expire, or would not be found good again', () => {
    const tokens = new VerifiedTokens();
    let stands = true;
    tokens.add('a', { ...good, stands: () => stands });
    expect(tokens.callerOf('a', 999)).toBe(caller);
    expect(tokens.callerOf('A', 999)).toBeUndefined();
    expect(tokens.callerOf('a', 1000)).toBeUndefined();
    tokens.add('a', { ...good, stands: () => stands });
    stands = false;
    expect(tokens.callerOf('a', 1)).toBeUndefined();
  });

  it('are 4096 at most: the one that was verified first is forgotten', () => {
    const tokens = new VerifiedTokens();
    for (let index = 0; index <= 4096; index += 1) tokens.add(`token ${index}`, good);
    expect(tokens.callerOf('token 0', 1)).toBeUndefined();
    expect(tokens.callerOf('token 1', 1)).toBe(caller);
    expect(tokens.callerOf('token 4096', 1)).toBe(caller);
  });
});
