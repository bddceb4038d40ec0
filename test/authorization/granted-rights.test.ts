import type { JWTPayload } from 'jose';
import { describe, expect, it } from 'vitest';
import { rightsGrantedBy } from '../../src/authorization/granted-rights.ts';
import type { Issuer } from '../../src/authorization/issuer.ts';
import { mayUse, mayUseServer, scopesFor } from '../../src/authorization/rights.ts';

const issuer: Issuer = {
  issuer: 'https://idp.example',
  audiences: [],
  algorithms: [],
  groupsClaim: 'groups',
};
const scopes = { 'tools:read': ['text', 'now'], network: ['network', 'git'], admin: ['*'] };

const rightsOf = (claims: JWTPayload, about: Partial<Issuer> = { scopes }): readonly string[] =>
  rightsGrantedBy(claims, { ...issuer, ...about }).rights;

describe('the rights of a token', () => {
  it.each<[string, JWTPayload, readonly string[]]>([
    ['one scope', { scope: 'tools:read' }, ['text', 'now']],
    ['several', { scope: 'openid tools:read network' }, ['text', 'now', 'network', 'git']],
    ['one that allows all', { scope: 'tools:read admin' }, ['text', 'now', '*']],
    ['a list in scp, as Okta has it', { scp: ['network'] }, ['network', 'git']],
    ['a text in scp, as Entra has it', { scp: 'openid network' }, ['network', 'git']],
    ['scope before scp', { scope: 'network', scp: 'admin' }, ['network', 'git']],
    ['none', {}, []],
    ['scopes that mean nothing here', { scope: 'openid profile' }, []],
    ['scopes with names of what objects have', { scope: 'constructor __proto__ toString' }, []],
    ['what is no scope', { scope: 42, scp: { admin: true } }, []],
    ['a scope in other letters', { scope: 'ADMIN' }, []],
  ])('with %s', (_what, claims, rights) => {
    expect(rightsOf(claims)).toEqual(rights);
  });

  it('are all where nothing is said of scopes and groups', () => {
    expect(rightsOf({}, {})).toEqual(['*']);
  });

  it('are those of the claim that the settings name, and of groups', () => {
    const about = { scopes, scopesClaim: 'permissions', groups: { ops: ['network'] } };
    expect(rightsOf({ permissions: ['admin'], scope: 'tools:read' }, about)).toEqual(['*']);
    expect(rightsOf({ groups: ['ops', 'staff'] }, about)).toEqual(['network']);
    expect(rightsOf({ groups: 'ops' }, { groups: { ops: ['network'] } })).toEqual(['network']);
  });

  it('are found in a claim within others, and in one with dots in its name', () => {
    const groups = { ops: ['network'] };
    const keycloak = { realm_access: { roles: ['ops'] } };
    expect(rightsOf(keycloak, { groups, groupsClaim: 'realm_access.roles' })).toEqual(['network']);
    const auth0 = { 'https://example.com/roles': ['ops'] };
    expect(rightsOf(auth0, { groups, groupsClaim: 'https://example.com/roles' })).toEqual(['network']);
    expect(rightsOf({ a: null }, { groups, groupsClaim: 'a.b.c' })).toEqual([]);
  });
});

describe('the scopes that would do', () => {
  const holder = (scope: string) => rightsGrantedBy({ scope }, { ...issuer, scopes });

  it('are those held and the first that allows it', () => {
    const fetchUrl = { name: 'fetch_url_content', toolset: 'network' };
    expect(scopesFor(holder('tools:read'), (each) => mayUse(each, fetchUrl))).toEqual([
      'tools:read',
      'network',
    ]);
    const secret = { name: 'x', toolset: 'secret' };
    expect(scopesFor(holder('openid'), (each) => mayUse(each, secret))).toEqual(['openid', 'admin']);
    expect(scopesFor(holder(''), (each) => mayUseServer(each, 'git'))).toEqual(['network']);
  });

  it('are none where no scope allows it, or scopes mean nothing', () => {
    const narrow = rightsGrantedBy({}, { ...issuer, scopes: { a: ['text'] } });
    expect(scopesFor(narrow, (each) => mayUse(each, { name: 'x', toolset: 'y' }))).toBeUndefined();
    const byGroup = rightsGrantedBy({}, { ...issuer, groups: { ops: ['network'] } });
    expect(scopesFor(byGroup, (each) => mayUse(each, { name: 'x', toolset: 'network' }))).toBeUndefined();
  });

  it('do not repeat what cannot be in a header, or is too much', () => {
    const { scopes: held } = rightsGrantedBy(
      { scope: [...Array.from({ length: 50 }, (_, index) => `s${index}`)].join(' ') },
      { ...issuer, scopes },
    );
    expect(held?.held).toHaveLength(32);
    const odd = rightsGrantedBy(
      { scp: ['a"b', 'a b', 'é', 'a\nb', 'x'.repeat(129), 'fine'] },
      { ...issuer, scopes },
    );
    expect(odd.scopes?.held).toEqual(['fine']);
  });
});
