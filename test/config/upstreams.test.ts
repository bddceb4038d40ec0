import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApplication } from '../../src/application.ts';
import { loadSettings } from '../../src/config/load.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { loadUpstreams } from '../../src/config/upstream-files.ts';
import { createLogger } from '../../src/monitoring/logging.ts';

const directory = mkdtempSync(join(tmpdir(), 'upstreams-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return name;
};

const url = 'http://weather:8000/mcp';
const load = (...upstreams: readonly object[]) =>
  loadUpstreams(settingsSchema.parse({ upstreams }).upstreams, directory);
const problemsOf = (...upstreams: readonly object[]): readonly string[] => {
  const loaded = loadSettings({
    env: { NEXUS_UPSTREAMS: JSON.stringify(upstreams) },
    flags: {},
    directory,
  });
  return loaded.ok ? [] : loaded.problems;
};

describe('upstreams in the settings', () => {
  it.each([
    [{ name: 'Weather', url }, /upstreams\.0\.name .*DNS label/],
    [{ name: 'x'.repeat(41), url }, /upstreams\.0\.name/],
    [{ name: 'weather', url: 'ftp://weather' }, /upstreams\.0\.url .*http or https/],
    [{ name: 'weather', url: 'http://ada:secret@weather' }, /no user name or password/],
    [{ name: 'weather', url: 'http://weather/#mcp' }, /no fragment/],
    [{ name: 'weather', url, prefix: 'a.b' }, /upstreams\.0\.prefix/],
    [{ name: 'weather', url, tool: {} }, /[Uu]nrecognized key/],
  ])('%j is refused by name, and by where it stands', (upstream, problem) => {
    const problems = problemsOf(upstream);
    expect(problems.join('\n')).toMatch(problem);
    expect(problems.join('\n')).toMatch(/from NEXUS_UPSTREAMS/);
    expect(problems.join('\n')).not.toMatch(/secret/);
  });

  it('are named once each, and are as many as there may be', () => {
    expect(problemsOf({ name: 'a', url }, { name: 'a', url }).join('\n')).toMatch(/name of another upstream/);
    const many = Array.from({ length: 65 }, (_, index) => ({ name: `u${index}`, url }));
    expect(problemsOf(...many)).toHaveLength(1);
    expect(problemsOf(...many.slice(1))).toEqual([]);
  });
});

describe('files of upstreams', () => {
  it('become headers', () => {
    const loaded = load({
      name: 'weather',
      url,
      tokenFile: file('token', 'a-token\n'),
      headersFile: file('headers', 'X-Team: sky\n'),
    });
    expect(loaded.ok && loaded.upstreams[0]?.headers).toEqual({
      'x-team': 'sky',
      authorization: 'Bearer a-token',
    });
  });

  it('have all their problems told together, and nothing of what is in them', () => {
    const loaded = load(
      { name: 'a', url, tokenFile: 'nowhere' },
      { name: 'b', url, tokenFile: file('two', 'secret-one secret-two') },
      { name: 'c', url, headersFile: file('host', 'Host: secret-host') },
      { name: 'd', url, headersFile: file('line', 'X-A: "secret\\nline"') },
      { name: 'e', url, headersFile: file('list', '- secret') },
      { name: 'f', url, caFile: file('ca', 'secret') },
      { name: 'g', url, tokenFile: 'token', headersFile: file('both', 'authorization: secret') },
    );
    const problems = loaded.ok ? [] : loaded.problems;
    expect(problems.map((problem) => /of (\w)|: (\w) has/.exec(problem)?.slice(1).join(''))).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
      'f',
      'g',
    ]);
    expect(problems.join('\n')).not.toMatch(/secret/);
  });

  it.each(['connection', 'content-length', 'mcp-session-id', 'accept', 'traceparent', 'transfer-encoding'])(
    'may not set %s',
    (name) => {
      const loaded = load({ name: 'a', url, headersFile: file('headers', `${name}: x`) });
      expect(loaded.ok).toBe(false);
    },
  );
});

describe('names that an upstream has or may have', () => {
  const create = (settings: object) =>
    createApplication(settingsSchema.parse(settings), directory, {
      logger: createLogger('silent', { write: () => undefined }),
      now: () => 0,
      unixTime: () => 0,
      version: '0',
      revision: '0',
      env: {},
    });

  it('may stand where rights are given, before anybody knows which there are', async () => {
    const tokens = [
      { name: 'ci', token: 'a-token-of-16-characters', tools: ['weather', 'weather_forecast'] },
    ];
    const tokensFile = file('tokens', JSON.stringify(tokens));
    const upstreams = [{ name: 'weather', url }];
    const created = await create({ auth: { tokensFile }, upstreams });
    expect(created.ok).toBe(true);
    if (created.ok) await created.application.workers.close();
    const without = await create({ auth: { tokensFile } });
    expect(!without.ok && without.problems).toHaveLength(2);
  });

  it('are no toolset’s or tool’s of ours', async () => {
    const created = await create({ upstreams: [{ name: 'network', url }] });
    expect(!created.ok && created.problems).toEqual([
      'upstreams: network is the name of a tool or toolset here; rename the upstream',
    ]);
  });
});
