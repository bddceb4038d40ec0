import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings, type LoadResult, type Sources } from '../../src/config/load.ts';
import { listSettings } from '../../src/config/setting-list.ts';
import { settingsSchema, type Settings } from '../../src/config/settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'config-'));
let files = 0;

/** Writes a configuration file of its own and returns its path. */
function configFile(yaml: string): string {
  const path = join(directory, `config-${(files += 1)}.yaml`);
  writeFileSync(path, yaml);
  return path;
}

const load = (sources: Partial<Sources> = {}): LoadResult =>
  loadSettings({ env: {}, flags: {}, directory, ...sources });

function settingsFrom(sources: Partial<Sources>): Settings {
  const result = load(sources);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.settings;
}

function problemsFrom(sources: Partial<Sources>): readonly string[] {
  const result = load(sources);
  return result.ok ? [] : result.problems;
}

const defaults = settingsSchema.parse({});

describe('settings', () => {
  it('have a default each, or may be absent', () => {
    expect(settingsFrom({})).toEqual(defaults);
    expect(defaults.server).toMatchObject({
      host: '127.0.0.1',
      port: 9999,
      allowedHosts: [],
      allowedOrigins: [],
    });
    expect(defaults.tools.enabled).toEqual(['*']);
    expect(defaults.ops).toEqual({});
    expect(defaults.auth).toEqual({ issuers: [], keysKeptSeconds: 86_400 });
    expect(defaults.metrics).toMatchObject({ enabled: true, endpoint: true, needToken: false });
  });

  it('are read from a file that sets nothing as from none', () => {
    for (const yaml of ['# nothing yet\n', '---\n', '{}\n'])
      expect(settingsFrom({ file: configFile(yaml) })).toEqual(defaults);
  });

  it('come from the file, over that the environment, over that flags', () => {
    const file = configFile('server: {port: 1001, host: 0.0.0.0, bodyBytes: 2048}\n');
    const env = { NEXUS_SERVER_PORT: '1002', NEXUS_SERVER_HOST: '::' };
    const flags = { 'server.port': '1003' };
    expect(settingsFrom({ file }).server).toMatchObject({ port: 1001, host: '0.0.0.0', bodyBytes: 2048 });
    expect(settingsFrom({ file, env }).server).toMatchObject({ port: 1002, host: '::', bodyBytes: 2048 });
    expect(settingsFrom({ file, env, flags }).server).toMatchObject({
      port: 1003,
      host: '::',
      bodyBytes: 2048,
    });
    expect(settingsFrom({ env, flags }).server.port).toBe(1003);
  });

  it('come from the file that NEXUS_CONFIG names, unless a flag names another', () => {
    const env = { NEXUS_CONFIG: configFile('server: {port: 1}') };
    expect(settingsFrom({ env }).server.port).toBe(1);
    expect(settingsFrom({ env, file: configFile('server: {port: 2}') }).server.port).toBe(2);
    expect(settingsFrom({ env: { NEXUS_CONFIG: '' } }).server.port).toBe(9999);
    expect(settingsFrom({ env, file: '' }).server.port).toBe(1);
  });

  it('have an environment variable each, that sets it', () => {
    const samples = {
      string: 'text',
      number: '77',
      list: 'a,b',
      numbers: '30, 60',
      map: '{add: {maxConcurrency: 3}}',
    };
    const special: Readonly<Record<string, string>> = {
      'log.level': 'warn',
      'metrics.operationAttributes': 'network.transport,mcp.protocol.version',
      'log.arguments': '{add: [a]}',
      'log.successes': '0.5',
      'server.allowedOrigins': 'https://a.example,https://b.example',
      'tracing.endpoint': 'http://collector:4318',
      'auth.token': 'a-token-0123456789',
      'network.fetchMaxRedirects': '7',
      'shutdown.delaySeconds': '7',
      'sessions.address': '10.0.0.7',
      'sessions.peers': 'replicas:9998,10.0.0.8:9998',
      upstreams: '[{name: weather, url: http://weather:8000/mcp}]',
      'auth.resource': 'https://mcp.example.com/mcp',
      'auth.issuers': '[{issuer: https://idp.example.com}]',
      'auth.keysKeptSeconds': '20000',
    };
    const needed: Readonly<Record<string, Record<string, string>>> = {
      'auth.resource': { NEXUS_AUTH_ISSUERS: '[{issuer: https://idp.example.com}]' },
      'auth.issuers': { NEXUS_AUTH_RESOURCE: 'https://mcp.example.com/mcp' },
      'audit.file': { NEXUS_AUDIT_ENABLED: 'true' },
      'metrics.needToken': { NEXUS_AUTH_TOKEN: 'a-token-0123456789abcdef' },
      'sessions.address': { NEXUS_OPS_PORT: '9998' },
      'sessions.peers': { NEXUS_SESSIONS_ADDRESS: '10.0.0.7', NEXUS_OPS_PORT: '9998' },
    };
    for (const { path, env, kind, default: byDefault } of listSettings()) {
      const [name = ''] = env;
      expect(name).toMatch(/^NEXUS(_[A-Z0-9]+)+$/);
      const large = /(b|B)ytes$|Characters$/.test(path) ? '4321' : undefined;
      const text =
        special[path] ?? large ?? (kind === 'boolean' ? String(byDefault !== true) : samples[kind]);
      const more = needed[path] ?? {};
      const fromEnv = settingsFrom({ env: { ...more, [name]: text } });
      const without = load({ env: more });
      expect(without.ok && without.settings, `${name}=${text}`).not.toEqual(fromEnv);
      expect(settingsFrom({ env: more, flags: { [path]: text } }), path).toEqual(fromEnv);
    }
    const names = listSettings().flatMap(({ env }) => env);
    expect(new Set(names).size).toBe(names.length);
  });

  it('have the names of the environment that the documents use', () => {
    const nameOf = (path: string) => listSettings().find((setting) => setting.path === path)?.env;
    expect(nameOf('server.port')).toEqual(['NEXUS_SERVER_PORT']);
    expect(nameOf('server.allowedHosts')).toEqual(['NEXUS_SERVER_ALLOWED_HOSTS']);
    expect(nameOf('metrics.openTelemetryNames')).toEqual(['NEXUS_METRICS_OPEN_TELEMETRY_NAMES']);
    expect(nameOf('metrics.enabled')).toEqual(['NEXUS_METRICS_ENABLED', 'PROMETHEUS_REGISTRY_ENABLED']);
    expect(nameOf('metrics.endpoint')).toEqual(['NEXUS_METRICS_ENDPOINT', 'METRICS_ENDPOINT_ENABLED']);
  });

  it('are described, every one', () => {
    for (const { path, description } of listSettings()) expect(description, path).toMatch(/^[A-Z].{10,}$/);
  });
});

describe('empty values', () => {
  it('in the environment are unset, whatever the type', () => {
    const env = Object.fromEntries(
      listSettings().flatMap(({ env: names }) => names.map((name) => [name, ''])),
    );
    expect(settingsFrom({ env })).toEqual(defaults);
  });

  it('in flags are unset: an empty host would listen on every address', () => {
    const flags = Object.fromEntries(listSettings().map(({ path }) => [path, '']));
    expect(settingsFrom({ flags })).toEqual(defaults);
  });

  it('in the file are unset, as are keys and groups without a value', () => {
    const yaml =
      'server:\n  host: ""\n  port:\nops:\n  # port: 9464\nauth:\n  token: ""\n  tokensFile: ~\nlog: null\n';
    expect(settingsFrom({ file: configFile(yaml) })).toEqual(defaults);
  });

  it('in the file do not hide that there is no such setting', () => {
    const file = configFile('sever:\nserver:\n  prot:\n');
    expect(problemsFrom({ file })).toEqual([
      expect.stringMatching(/^server .*: Unrecognized key: "prot"; did you mean port\?$/),
      expect.stringMatching(/^configuration .*: Unrecognized key: "sever"; did you mean server\?$/),
    ]);
  });

  it('in the file that are none are told with what may be meant, in lists and maps too', () => {
    const yaml =
      'upstreams: [{nmae: a, name: a, url: "http://a/mcp"}, {name: b, url: "http://b/mcp", timeout: 3, tool: {}}]\n' +
      'tools: {settings: {fetch: {timeoutSecond: 3}}}\nlimits: {q: 1}\n';
    const file = configFile(yaml);
    expect(problemsFrom({ file })).toEqual([
      `tools.settings.fetch (from ${file}): Unrecognized key: "timeoutSecond"; did you mean timeoutSeconds?`,
      `limits (from ${file}): Unrecognized key: "q"; did you mean queue, queueWaitSeconds?`,
      `upstreams.0 (from ${file}): Unrecognized key: "nmae"; did you mean name?`,
      `upstreams.1 (from ${file}): Unrecognized keys: "timeout", "tool"; did you mean timeoutSeconds, tools?`,
    ]);
  });

  it('that are like none are told with those that there are', () => {
    const flags = { 'tools.settings': '{order_lookup: {currency: EUR}}' };
    const file = configFile('ops: {path: /metrics}\n');
    expect(problemsFrom({ file, flags })).toEqual([
      `ops (from ${file}): Unrecognized key: "path"; the keys are host, port`,
      'tools.settings.order_lookup (from --tools.settings): Unrecognized key: "currency"; the keys are timeoutSeconds, ' +
        'maxConcurrency. Settings of your own modules are environment variables, which they read themselves',
    ]);
  });

  it('do not hide what a weaker source says', () => {
    const file = configFile('server: {host: "::1"}\n');
    expect(
      settingsFrom({ file, env: { NEXUS_SERVER_HOST: '' }, flags: { 'server.host': '' } }).server.host,
    ).toBe('::1');
  });
});

describe('values as text', () => {
  const fromEnv = (name: string, text: string): LoadResult => load({ env: { [name]: text } });

  it.each([
    ['8080', 8080],
    [' 8080 ', 8080],
    ['0', 0],
    ['08080', 8080],
  ])('%j is the number %d', (text, value) => {
    expect(fromEnv('NEXUS_SERVER_PORT', text)).toMatchObject({ settings: { server: { port: value } } });
  });

  it('numbers may have a fraction where the setting does', () => {
    expect(fromEnv('NEXUS_LIMITS_TOOL_TIMEOUT_SECONDS', '0.25')).toMatchObject({
      settings: { limits: { toolTimeoutSeconds: 0.25 } },
    });
  });

  it.each(['ten', '80x', '1e3', '0x50', '80.5', '-1', '65536', 'NaN', 'Infinity', '١٢', '8 080', ' '])(
    '%j is no port',
    (text) => {
      expect(fromEnv('NEXUS_SERVER_PORT', text)).toEqual({
        ok: false,
        problems: [expect.stringMatching(/^server\.port \(from NEXUS_SERVER_PORT\): /)],
      });
    },
  );

  it.each([
    ['true', true],
    ['TRUE', true],
    ['1', true],
    [' true', true],
    ['false', false],
    ['False', false],
    ['0', false],
  ])('%j is %s', (text, value) => {
    expect(fromEnv('NEXUS_METRICS_ENABLED', text)).toMatchObject({
      settings: { metrics: { enabled: value } },
    });
  });

  it.each(['yes', 'on', 'no', 'off', '2', 'enabled', 'constructor', '__proto__', 'toString'])(
    '%j is neither true nor false',
    (text) => {
      expect(fromEnv('NEXUS_METRICS_ENABLED', text)).toEqual({
        ok: false,
        problems: [expect.stringMatching(/^metrics\.enabled \(from NEXUS_METRICS_ENABLED\): .*boolean/)],
      });
    },
  );

  it.each([
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    [' a , b ,, ', ['a', 'b']],
    [',', []],
    ['a b', ['a b']],
  ])('%j is the list %j', (text, value) => {
    expect(fromEnv('NEXUS_TOOLS_DISABLED', text)).toMatchObject({
      settings: { tools: { disabled: value } },
    });
  });

  it.each(['{add: {timeoutSeconds: 2}}', '{"add": {"timeoutSeconds": 2}}', 'add:\n  timeoutSeconds: 2\n'])(
    '%j is a map',
    (text) => {
      expect(fromEnv('NEXUS_TOOLS_SETTINGS', text)).toMatchObject({
        settings: { tools: { settings: { add: { timeoutSeconds: 2 } } } },
      });
    },
  );

  it.each([
    'add',
    '[add]',
    '{add: 2}',
    '{add: {timeout: 2}}',
    '{add: {timeoutSeconds: -1}}',
    '{add: [',
    '{add: {}}}',
  ])('%j is no map of tool settings', (text) => {
    expect(fromEnv('NEXUS_TOOLS_SETTINGS', text)).toEqual({
      ok: false,
      problems: [expect.stringMatching(/^tools\.settings\S* \(from NEXUS_TOOLS_SETTINGS\): /)],
    });
  });

  it('an environment variable that holds a flag of another type is a string there', () => {
    expect(settingsFrom({ env: { NEXUS_AUTH_TOKENS_FILE: '1' } }).auth.tokensFile).toBe('1');
  });
});

describe("the founding document's variables", () => {
  it('switch what they name', () => {
    const { metrics } = settingsFrom({
      env: { PROMETHEUS_REGISTRY_ENABLED: 'false', METRICS_ENDPOINT_ENABLED: 'False' },
    });
    expect(metrics).toMatchObject({ enabled: false, endpoint: false });
  });

  it('yield to the documented ones, and to flags', () => {
    const env = { PROMETHEUS_REGISTRY_ENABLED: 'false', NEXUS_METRICS_ENABLED: 'true' };
    expect(settingsFrom({ env }).metrics.enabled).toBe(true);
    const flags = { 'metrics.endpoint': 'true' };
    expect(settingsFrom({ env: { METRICS_ENDPOINT_ENABLED: 'false' }, flags }).metrics.endpoint).toBe(true);
  });

  it('that hold a token with a line break, or a list, are told so, without the token', () => {
    const says =
      'auth.token (from NEXUS_AUTH_TOKEN): must be one line, without a line break at its end; a list of tokens belongs in auth.tokensFile (in the chart auth.tokensSecret)';
    for (const token of ['a-token-0123456789abcdef\n', '- {name: ci, token: a-token-0123456789}\n'])
      expect(problemsFrom({ env: { NEXUS_AUTH_TOKEN: token } })).toEqual([says]);
  });

  it('are named when they are wrong', () => {
    expect(problemsFrom({ env: { METRICS_ENDPOINT_ENABLED: 'maybe' } })).toEqual([
      expect.stringMatching(/^metrics\.endpoint \(from METRICS_ENDPOINT_ENABLED\): /),
    ]);
  });
});

describe('what is wrong', () => {
  it('is listed at once, each with where it came from', () => {
    const file = configFile('server: {bodyBytes: 5}\nsevrer: {port: 1}\nlog: {level: loud, color: true}\n');
    const problems = problemsFrom({
      file,
      env: { NEXUS_SERVER_PORT: 'ten', NEXUS_SERVER_PROT: '1', NEXUS_LIMITS_QUEUE: '-1' },
      flags: { 'limits.burst': '0', 'server.prot': '5' },
    });
    const one = (pattern: RegExp): string => {
      const found = problems.filter((problem) => pattern.test(problem));
      expect(found, String(pattern)).toHaveLength(1);
      return found[0] ?? '';
    };
    one(/^NEXUS_SERVER_PROT: there is no such setting; did you mean NEXUS_SERVER_PORT\?$/);
    one(/^--server\.prot: there is no such setting; did you mean --server\.port\?$/);
    one(/^server\.port \(from NEXUS_SERVER_PORT\): .*number/);
    one(/^limits\.queue \(from NEXUS_LIMITS_QUEUE\): /);
    one(/^limits\.burst \(from --limits\.burst\): /);
    expect(one(/^server\.bodyBytes /)).toContain(`(from ${file})`);
    expect(one(/^log\.level /)).toContain(`(from ${file})`);
    expect(one(/^log .*"color"/)).toContain(`(from ${file})`);
    expect(one(/"sevrer"/)).toContain(`(from ${file})`);
    expect(problems).toHaveLength(9);
  });

  it('is found in the file even where the environment sets something else of the same group', () => {
    const file = configFile('server: everywhere\nops: [1]\n');
    const problems = problemsFrom({ file, env: { NEXUS_SERVER_PORT: '1' }, flags: { 'ops.port': '2' } });
    expect(problems).toEqual([
      expect.stringMatching(/^server .*expected object, received string/),
      expect.stringMatching(/^ops .*expected object, received array/),
    ]);
  });

  it.each([
    // What a pipe has whose first command failed: with the defaults, a configuration that nobody saw would be approved.
    ['empty', '', /: is empty: .* must be \{\}$/],
    ['blank', ' \n', /: is empty: /],
    ['the null that yq writes of nothing', 'null\n', /: is empty: /],
    ['a list', '- server\n', /must be a YAML mapping/],
    ['a text', 'server\n', /must be a YAML mapping/],
    ['two documents', 'server: {}\n---\nops: {}\n', /YAML/],
    ['a key given twice', 'server: {port: 1}\nserver: {port: 2}\n', /line 2/],
    ['broken YAML', 'server:\n  port: [1\n', /line \d/],
    ['a tab', 'server:\n\tport: 1\n', /line 2/],
    ['a prototype key', '__proto__: {port: 1}\n', /__proto__/],
  ])('about a file that is %s is said, and of what depends on it nothing', (_name, yaml, says) => {
    const file = configFile(yaml);
    // It needs ops.port, which the file would have.
    const problems = problemsFrom({ file, env: { NEXUS_SESSIONS_ADDRESS: '10.0.0.1' } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(says);
    expect(problems[0]).toContain(file);
  });

  it('about settings that do not go together is said', () => {
    const problem = expect.stringMatching(/^shutdown\.delaySeconds: .*shutdown\.deadlineSeconds/) as string;
    for (const delay of ['25', '26']) {
      expect(problemsFrom({ env: { NEXUS_SHUTDOWN_DELAY_SECONDS: delay } })).toEqual([problem]);
    }
    expect(problemsFrom({ flags: { 'shutdown.delaySeconds': '24.5' } })).toEqual([]);
  });

  it('about replicas is said: where they are, and where this one is', () => {
    expect(problemsFrom({ flags: { 'sessions.peers': 'replicas:9998' } })).toEqual([
      'sessions.peers: needs sessions.address (NEXUS_SESSIONS_ADDRESS), at which others reach this replica',
      'sessions.address, sessions.peers: need ops.port, at which replicas reach each other',
    ]);
    const flags = {
      'sessions.address': 'replica',
      'sessions.peers': 'replicas,http://replicas:9998,[::1]:9998',
    };
    expect(problemsFrom({ flags })).toEqual([
      'sessions.address (from --sessions.address): replica is not an IP address',
      'sessions.peers.0 (from --sessions.peers): replicas is not host:port',
      'sessions.peers.1 (from --sessions.peers): http://replicas:9998 is not host:port',
    ]);
  });

  it('about an audit file that nothing would be written to is said', () => {
    expect(problemsFrom({ flags: { 'audit.file': 'audit.jsonl' } })).toEqual([
      'audit.file: needs audit.enabled',
    ]);
  });

  it('about metrics that need a token, where nobody has one, is said', () => {
    const needed = { 'metrics.needToken': 'true' };
    expect(problemsFrom({ flags: needed })).toEqual([
      'metrics.needToken: needs auth.token, auth.tokensFile or auth.issuers; without them everybody may read the metrics',
    ]);
    const resource = 'https://mcp.example.com/mcp';
    for (const auth of [
      { 'auth.token': 'a-token-0123456789abcdef' },
      { 'auth.tokensFile': 'tokens.yaml' },
      { 'auth.resource': resource, 'auth.issuers': '[{issuer: https://idp.example.com}]' },
    ])
      expect(load({ flags: { ...needed, ...auth } }).ok).toBe(true);
  });

  it('with issuers of tokens is reported: settings that need each other, and URLs of no issuer', () => {
    const resource = 'https://mcp.example.com/mcp';
    const problemsOf = (issuers: string): readonly string[] =>
      problemsFrom({ flags: { 'auth.resource': resource, 'auth.issuers': issuers } });
    expect(problemsFrom({ flags: { 'auth.resource': resource } })).toEqual([
      'auth.resource: needs auth.issuers, who give tokens for it',
    ]);
    expect(problemsFrom({ flags: { 'auth.issuers': '[{issuer: https://idp.example.com}]' } })).toEqual([
      'auth.issuers: needs auth.resource, the URL of /mcp as clients know it',
    ]);
    const from = '(from --auth.issuers)';
    const twice = '[{issuer: https://idp.example.com/a}, {issuer: https://idp.example.com/a/}]';
    expect(problemsOf(twice)).toEqual([`auth.issuers.1.issuer ${from}: is that of another issuer, too`]);
    for (const [issuer = '', problem = ''] of [
      ['http://idp.example.com', 'must be an https URL; http is for localhost alone'],
      ['idp.example.com', 'must be an https URL; http is for localhost alone'],
      ['https://me:secret@idp.example.com', 'must have no user name or password'],
      ['https://idp.example.com#a', 'must have no fragment'],
      // It would be a host that every request may name.
      ['https://*/mcp', 'must have the name of one host, without a dot at its end'],
      ['https://idp.example.com./mcp', 'must have the name of one host, without a dot at its end'],
    ])
      expect(problemsOf(`[{issuer: '${issuer}'}]`)).toEqual([`auth.issuers.0.issuer ${from}: ${problem}`]);
    expect(problemsOf('[{issuer: https://a.example, algorithms: [HS256]}]')).toEqual([
      expect.stringContaining('auth.issuers.0.algorithms.0'),
    ]);
    expect(problemsOf("[{issuer: https://a.example, scopes: {'a b': [text]}}]")).toEqual([
      `auth.issuers.0.scopes ${from}: a scope has no spaces and no quotes`,
    ]);
    expect(problemsOf('[{issuer: https://a.example, idTokens: true}]')).toEqual([
      `auth.issuers.0.idTokens ${from}: needs audiences: an ID token is for a client, whose id is its audience`,
    ]);
    const nine = Array.from({ length: 9 }, (_, index) => `{issuer: https://${index}.example}`);
    expect(problemsOf(`[${nine.join()}]`)).toHaveLength(1);
    expect(problemsFrom({ flags: { 'auth.keysKeptSeconds': '3600' } })).toHaveLength(1);
  });

  it('about a file that cannot be read is said', () => {
    expect(problemsFrom({ file: 'nowhere.yaml' })).toEqual([
      expect.stringMatching(new RegExp(`^${directory}/nowhere\\.yaml: cannot be read: .*ENOENT`)),
    ]);
    mkdirSync(join(directory, 'folder'), { recursive: true });
    expect(problemsFrom({ file: 'folder' })).toEqual([expect.stringMatching(/cannot be read: .*EISDIR/)]);
  });

  it.each([
    ['unclosed', 'auth:\n  token: "very-secret-token-0123\n'],
    ['badly indented', 'auth:\n  token: very-secret-token-0123\n bad: [\n'],
    ['followed by another', 'auth:\n  token: "a" "very-secret-token-0123"\n'],
    ['an alias', 'auth:\n  token: *very-secret-token-0123\n'],
    ['a tag', 'auth:\n  token: !very-secret-token-0123 x y: z: 1\n'],
    ['too short', 'auth: {token: secret-short}\n'],
    ['of a foreign character', 'auth: {token: "very-secret-token 0123"}\n'],
    ['a map', 'auth: {token: {very-secret-token-0123: 1}}\n'],
  ])('about a token that is %s does not say the token', (_name, yaml) => {
    const problems = problemsFrom({ file: configFile(yaml) });
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join('\n')).not.toMatch(/secret/);
    for (const problem of problems) expect(problem).not.toContain('\n');
  });

  it.each(['secret-short', 'a secret with spaces', 'secret-with-a-line-break\n', 'secret,secret,secret'])(
    'about the token %j in the environment is said at the start, without the token',
    (token) => {
      for (const sources of [{ env: { NEXUS_AUTH_TOKEN: token } }, { flags: { 'auth.token': token } }]) {
        const problems = problemsFrom(sources);
        expect(problems).toEqual([expect.stringMatching(/^auth\.token \(from \S+\): /)]);
        expect(problems.join()).not.toMatch(/secret/);
      }
    },
  );
});

describe('unknown variables', () => {
  it('with our prefix are errors, others are none of our business', () => {
    expect(
      problemsFrom({ env: { NEXUS_PORT_: '1', NEXUS_: '1', NEXUSPORT: '1', PATH: '/bin', nexus_port: '1' } }),
    ).toEqual(
      ['NEXUS_PORT_', 'NEXUS_'].map(
        (name) =>
          `${name}: there is no such setting; variables that begin with NEXUS_ are settings of the server, so give one of your own another name`,
      ),
    );
  });

  it('that build images set are none', () => {
    expect(problemsFrom({ env: { NEXUS_REVISION: 'abc', NEXUS_CONFIG: '' } })).toEqual([]);
  });

  it('that Kubernetes sets for a Service called nexus or nexus-… are none', () => {
    const env = {
      NEXUS_SERVICE_HOST: '10.0.0.1',
      NEXUS_SERVICE_PORT: '80',
      NEXUS_MCP_SERVICE_HOST: '10.0.0.1',
      NEXUS_MCP_SERVICE_PORT: '9999',
      NEXUS_MCP_SERVICE_PORT_HTTP_MCP: '9999',
      NEXUS_MCP_PORT: 'tcp://10.0.0.1:9999',
      NEXUS_MCP_PORT_9999_TCP: 'tcp://10.0.0.1:9999',
      NEXUS_MCP_PORT_9999_TCP_PROTO: 'tcp',
      NEXUS_MCP_PORT_9999_TCP_PORT: '9999',
      NEXUS_MCP_PORT_9999_TCP_ADDR: '10.0.0.1',
      NEXUS_DNS_PORT_53_UDP: 'udp://10.0.0.1:53',
      NEXUS_PORT: 'tcp://10.0.0.1:80',
    };
    expect(settingsFrom({ env })).toEqual(defaults);
  });

  it('that Kubernetes sets for a Service called nexus-server or nexus-ops do not set our ports', () => {
    const env = { NEXUS_SERVER_PORT: 'tcp://10.0.0.1:80', NEXUS_OPS_PORT: 'tcp://10.0.0.1:9464' };
    expect(settingsFrom({ env })).toEqual(defaults);
  });

  it('that only look like those are errors: a misspelt port must not be ignored', () => {
    expect(problemsFrom({ env: { NEXUS_SERVR_PORT: '8080', NEXUS_OSP_PORT: '9464' } })).toEqual([
      'NEXUS_SERVR_PORT: there is no such setting; did you mean NEXUS_SERVER_PORT?',
      'NEXUS_OSP_PORT: there is no such setting; did you mean NEXUS_OPS_PORT?',
    ]);
  });
});

describe('relative paths', () => {
  it("start from the configuration file's directory, else from the working directory", () => {
    mkdirSync(join(directory, 'etc'), { recursive: true });
    writeFileSync(join(directory, 'etc', 'nexus.yaml'), 'auth: {tokensFile: tokens.yaml}\n');
    expect(load({ file: 'etc/nexus.yaml' })).toMatchObject({ ok: true, directory: join(directory, 'etc') });
    expect(load({ env: { NEXUS_CONFIG: 'etc/nexus.yaml' } })).toMatchObject({
      directory: join(directory, 'etc'),
    });
    expect(load({ file: join(directory, 'etc/nexus.yaml') })).toMatchObject({
      directory: join(directory, 'etc'),
    });
    expect(load()).toMatchObject({ ok: true, directory });
  });
});
