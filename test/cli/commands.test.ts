import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS } from '../../src/cli/arguments.ts';
import { run } from '../../src/cli/run.ts';
import type { Shell } from '../../src/cli/shell.ts';
import { listSettings } from '../../src/config/setting-list.ts';
import { settingsSchema } from '../../src/config/settings.ts';
import { compiled } from '../support/compile-cache.ts';
import { runHere as runInThisProcess, type HereOptions } from '../support/run-here.ts';
import { MAIN, runCli, type CliResult } from '../support/spawn-cli.ts';
import { FIXTURE_TOOLS } from '../support/test-server.ts';

// Each run of the program is a process, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const directory = mkdtempSync(join(tmpdir(), 'cli-'));
const UPSTREAMS = JSON.stringify([
  { name: 'weather', url: 'http://127.0.0.1:1/mcp' },
  { name: 'billing', url: 'http://127.0.0.1:1/mcp', prefix: 'bill_' },
]);
const withFixtures = ['--tools.modules', FIXTURE_TOOLS];
const write = (name: string, content: string): string => {
  writeFileSync(join(directory, name), content);
  return name;
};

const runHere = (args: readonly string[], options: HereOptions = {}): Promise<CliResult> =>
  runInThisProcess(args, { directory, ...options });

/** What a run is given, but for its arguments and where it writes. */
const shell: Omit<Shell, 'argv' | 'stdout' | 'stderr'> = {
  env: {},
  directory,
  version: packageJson.version,
  now: () => performance.now() / 1000,
  unixTime: () => Date.now() / 1000,
  stopRequested: new Promise(() => undefined),
};

/** Lines on stderr without the program's name, which begins each. */
function complaints(stderr: string): string[] {
  const lines = stderr.split('\n').slice(0, -1);
  for (const line of lines) expect(line).toMatch(/^nexus-mcp: ./);
  return lines.map((line) => line.replace('nexus-mcp: ', ''));
}

/** A tool module in JavaScript with a tool called `odd`. */
const moduleWith = (handler: string): string =>
  `import { defineTool, z } from 'nexus-mcp/tools';
  export const odd = defineTool({
    name: 'odd', title: 'Odd', description: 'Odd.', input: z.strictObject({}), ${handler},
    annotations: { readOnly: true, idempotent: true, openWorld: false },
  });`;

describe('the program', () => {
  it.each([
    [0, 1],
    [13, 13],
  ])('says who called process.exit(%i), and ends as a failure', async (called, exits) => {
    const module = write('quits.mjs', moduleWith(`handler: () => process.exit(${called})`));
    const { code, stderr } = await runCli(['call', 'odd', '--tools.modules', module], { directory });
    expect(stderr).toMatch(/^nexus-mcp: \/\S*quits\.mjs:\d+:\d+ called process\.exit\n +at /);
    expect(stderr).toContain("isolation: 'worker'");
    expect(code).toBe(exits);
  });

  it('gives no advice on calls where a module called process.exit while it was loaded', async () => {
    const module = write('quits-early.mjs', 'process.exit(0);');
    const { code, stderr } = await runCli(['check', '--tools.modules', module], { directory });
    expect(stderr).toMatch(/^nexus-mcp: \/\S*quits-early\.mjs:1:9 called process\.exit\n/);
    expect(stderr).not.toContain('isolation');
    expect(code).toBe(1);
  });

  it('fails when a tool leaves a promise that rejects, though it returns', async () => {
    const handler = `handler: () => { void Promise.reject(new Error('lost')); return 'done'; }`;
    const module = write('rejects.mjs', moduleWith(handler));
    const { code, stdout, stderr } = await runCli(['call', 'odd', '--tools.modules', module], { directory });
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'done\n' });
    expect(stderr).toMatch(
      /^nexus-mcp: unexpected error: Error: a promise was rejected and nothing handles it: await it or catch it\ncaused by: Error: lost\n/,
    );
  });

  it('fails at once when a module leaves a promise that rejects, and goes on loading', async () => {
    const source = `void Promise.reject(new Error('early')); await new Promise(() => undefined);`;
    const module = write('rejects-early.mjs', source);
    const { code, stderr } = await runCli(['check', '--tools.modules', module], { directory });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^nexus-mcp: unexpected error: Error: a promise was rejected and nothing handles it: await it or catch it\ncaused by: Error: early\n/,
    );
    expect(stderr).not.toContain('has not loaded');
  });

  it('fails when its output cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [MAIN, '--help'], {
      env: compiled(),
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    if (!child.stderr) throw new Error('there is no pipe');
    const ended = once(child, 'close') as Promise<[number | null]>;
    const [stderr, [code]] = await Promise.all([text(child.stderr), ended]);
    expect(stderr).toMatch(/^nexus-mcp: cannot write to stdout: ENOSPC/);
    expect(code).toBe(1);
  });

  it('ends without a word when nobody reads its output any more', async () => {
    const child = spawn(process.execPath, [MAIN, 'probe', 'http://127.0.0.1:1'], { env: compiled() });
    child.stdout.destroy();
    const ended = once(child, 'close') as Promise<[number | null]>;
    const [stderr, [code]] = await Promise.all([text(child.stderr), ended]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 1 });
  });

  it('says which Node it needs, where an older one would fail to load it', async () => {
    const older = `data:text/javascript,Object.defineProperty(process,'version',{value:'v24.15.9'})`;
    const { code, stdout, stderr } = await runCli(['tools'], {
      env: { NODE_OPTIONS: `--import "${older}"` },
    });
    expect(stderr).toMatch(
      /^nexus-mcp: needs Node >=24\.16; this is v24\.15\.9\nnexus-mcp: .*npm install node@24.*\nnexus-mcp: .*start npx nexus-mcp.*\n$/,
    );
    expect(stderr).toContain('npm install-scripts approve node && npm rebuild node');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it.each([
    ['--version'],
    ['call', 'json_format', '{"json_string":"[1,{}]"}', '--json'],
    ['call', 'divide', '{"a":1,"b":0}'],
    ['check', '--server.port', 'x', '--limits.queue', '-1'],
  ])('does in a process of its own what run does: %s %s %s %s', async (...args) => {
    expect(await runCli(args)).toEqual(await runHere(args));
  });
});

describe('--help', () => {
  it.each([['--help'], ['-h'], ['serve', '--help'], ['call', '-h', '--port', '1'], ['--help', 'nonsense']])(
    'is printed for %s %s %s %s',
    async (...args) => {
      const { code, stdout, stderr } = await runHere(args);
      expect([code, stderr]).toEqual([0, '']);
      for (const command of Object.keys(COMMANDS))
        expect(stdout).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'));
      expect(stdout).toMatch(/Exit codes\n {2}0 .*\n {2}1 .*\n {2}2 /);
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
    },
  );
});

describe('--version', () => {
  it.each(['--version', '-v'])('is printed for %s', async (flag) => {
    expect(await runHere([flag])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });
});

describe('wrong usage', () => {
  it.each([
    [['bogus'], /^there is no command bogus$/],
    [
      ['--tools.modules', './a.ts', './b.ts'],
      /^there is no command \.\/b\.ts; a list is one value, with commas: a,b$/,
    ],
    [['constructor'], /^there is no command constructor$/],
    [['--bogus'], /^there is no option --bogus; /],
    [['-x'], /^there is no option -x; /],
    [['--bogus', '5', 'tools'], /^there is no option --bogus; /],
    [
      ['--server.prot', '5'],
      /^there is no option --server\.prot; did you mean --server\.port\? nexus-mcp check prints the settings/,
    ],
    [['--__proto__', '5'], /^there is no option --__proto__; /],
    [['--tools.modules', 'a.ts', '--tools.modules', 'b.ts'], /^--tools\.modules is given twice; .* a,b$/],
    [['--port'], /^Option '--port <value>' argument missing$/],
    [['--json=yes', 'tools'], /^Option '--json' does not take an argument$/],
    [['tools', 'add'], /^too many operands for tools$/],
    [['call', 'add', '{}', '{}'], /^too many operands for call$/],
    [['check', 'nexus.yaml'], /^too many operands for check$/],
  ])('of %j is said on stderr, with exit code 2', async (args, says) => {
    const { code, stdout, stderr } = await runHere(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(complaints(stderr)).toEqual([expect.stringMatching(says), 'see nexus-mcp --help']);
  });
});

it('options that there are not are all said at once', async () => {
  const { code, stderr } = await runHere(['check', '--server.prot', '5', '--tools.module=x.ts', '-x']);
  expect(code).toBe(2);
  expect(complaints(stderr)).toEqual([
    expect.stringMatching(/^there is no option --server\.prot; did you mean --server\.port\?/),
    expect.stringMatching(/^there is no option --tools\.module; did you mean --tools\.modules\?/),
    expect.stringMatching(/^there is no option -x; /),
    'see nexus-mcp --help',
  ]);
});

describe('tools', () => {
  it('prints a line a tool, name first', async () => {
    const { code, stdout, stderr } = await runHere(['tools', '--tools.enabled', 'calculator,time']);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
      'add',
      'subtract',
      'multiply',
      'divide',
      'statistics_functions',
      'current_timestamp',
      'unix_to_date',
      'convert_timezone',
    ]);
    const columns = new Set(lines.map((line) => /^\S+ +/.exec(line)?.[0].length));
    expect(columns.size, 'descriptions are aligned').toBe(1);
  });

  it('prints them as JSON as clients get them', async () => {
    const { code, stdout, stderr } = await runHere(['tools', '--json', ...withFixtures]);
    expect([code, stderr]).toEqual([0, '']);
    const tools = JSON.parse(stdout) as { name: string; inputSchema: unknown }[];
    expect(tools.length).toBeGreaterThan(25);
    expect(tools.find(({ name }) => name === 'echo')).toMatchObject({
      title: 'Fixture',
      inputSchema: { type: 'object', required: ['text'], additionalProperties: false },
      outputSchema: { type: 'string' },
      annotations: { readOnlyHint: true },
    });
  });

  it.each([
    ['--discovery.namespaces', 's3-tools'],
    ['--discovery.kubeconfig', 'config'],
    ['--discovery.timeoutSeconds', '3'],
    ['--discovery.maxConcurrency', '3'],
  ])('warns of a search for upstreams that nobody makes: %s', async (flag, value) => {
    const { code, stderr } = await runHere(['check', flag, value]);
    expect(code).toBe(0);
    expect(stderr).toBe(`nexus-mcp: ${flag.slice(2)} has no effect, because discovery.enabled is not set\n`);
    expect((await runHere(['check', '--discovery.labelSelector', 'a=b'])).stderr).toBe('');
  });

  it('warns of a collector at the port of gRPC', async () => {
    const of = (port: number) => runHere(['check', '--tracing.endpoint', `http://127.0.0.1:${port}`]);
    const { code, stderr } = await of(4317);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^nexus-mcp: tracing\.endpoint has the port 4317, .* over HTTP, whose port is usually 4318\n$/,
    );
    expect((await of(4318)).stderr).toBe('');
  });

  it('prints nothing of none', async () => {
    const printed = await runHere(['tools', '--tools.disabled', '*']);
    expect(printed).toMatchObject({ code: 0, stdout: '' });
    expect(printed.stderr).toMatch(/^nexus-mcp: no tool is offered: /);
    expect((await runHere(['tools', '--json', '--tools.disabled', '*'])).stdout).toBe('[]\n');
  });

  it('are the server’s own: of those of upstreams it says where they are listed', async () => {
    const { code, stdout, stderr } = await runHere(['tools', '--upstreams', UPSTREAMS]);
    expect(code).toBe(0);
    expect(stdout).not.toContain('weather');
    expect(complaints(stderr)).toEqual([
      'not listed: the tools of upstreams (weather, billing); a running server lists them',
    ]);
  });

  it('are told apart from what does not exist, all of it at once', async () => {
    const flags = [
      '--tools.enabled',
      'ad,time',
      '--tools.disabled',
      'tme',
      '--tools.settings',
      '{dvide: {}}',
    ];
    const { code, stdout, stderr } = await runHere(['tools', ...flags]);
    expect([code, stdout]).toEqual([2, '']);
    expect(complaints(stderr)).toEqual([
      'tools.enabled (from --tools.enabled): there is no tool or toolset ad; did you mean add?',
      'tools.disabled (from --tools.disabled): there is no tool or toolset tme; did you mean time?',
      'tools.settings (from --tools.settings): there is no tool dvide; did you mean divide?',
    ]);
  });

  it('are told where the settings speak of tools of upstreams', async () => {
    const lists = ['--tools.enabled', '*,weather_now', '--tools.disabled', 'weather,tme'];
    const settings = ['--tools.settings', '{weather_rain: {timeoutSeconds: 3}}'];
    const told = async (...upstreams: readonly string[]) =>
      complaints((await runHere(['tools', ...upstreams, ...lists, ...settings])).stderr);
    const problems = [
      'tools.enabled (from --tools.enabled): there is no tool or toolset weather_now (a tool of an upstream is offered by tools: { include: [NAME] } in the entry of the upstream)',
      'tools.disabled (from --tools.disabled): there is no tool or toolset weather (a tool of an upstream is left out by tools: { exclude: [NAME] } in the entry of the upstream)',
      'tools.disabled (from --tools.disabled): there is no tool or toolset tme (a tool of an upstream is left out by tools: { exclude: [NAME] } in the entry of the upstream); did you mean time?',
      'tools.settings (from --tools.settings): there is no tool weather_rain (a tool of an upstream is limited by timeoutSeconds and maxConcurrency in the entry of the upstream)',
    ];
    expect(await told('--upstreams', UPSTREAMS)).toEqual(problems);
    expect(await told('--discovery.enabled', 'true')).toEqual(problems);
  });

  it('are told of beside modules that do not load, which may have them', async () => {
    const names = [
      '--tools.disabled',
      'nope,gone,add,other',
      '--tools.settings',
      '{dvide: {}}',
      '--log.results',
      'add',
    ];
    const { stderr } = await runHere(['tools', '--tools.modules', 'gone.mjs', ...names], { directory });
    expect(complaints(stderr)).toEqual([
      expect.stringMatching(/gone\.mjs: there is no such file$/),
      'not found, perhaps because a module above did not load: nope (tools.disabled), other (tools.disabled), dvide (tools.settings)',
    ]);
  });
});

describe('call', () => {
  it.each([
    [['add', '{"a":5,"b":3}'], '8\n'],
    [['echo', '{"text":"hello\\nthere"}'], 'hello\nthere\n'],
    [['isolated', '{"what":"value"}'], 'value\n'],
    [['url_encode', '{"text":"a b"}'], 'a%20b\n'],
    [['counts'], 'counted\n'],
  ])('prints what %j returns, and nothing else', async (operands, stdout) => {
    expect(await runHere(['call', ...operands, ...withFixtures])).toEqual({ code: 0, stdout, stderr: '' });
  });

  it('prints JSON with --json', async () => {
    const { stdout } = await runHere(['call', 'add', '{"a":5,"b":3}', '--json']);
    expect(stdout).toBe('{"status":"success","result":8}\n');
  });

  const DIVISION = /^tool_error: Division by zero/;
  it.each<[string[], number, RegExp]>([
    [['divide', '{"a":1,"b":0}'], 1, DIVISION],
    [['fails'], 1, /^tool_error: It cannot be done\.$/],
    [['hangs'], 1, /^timeout: .*0\.2 s/],
    [['spins'], 1, /^timeout: .*0\.5 s/],
    [['unreachable'], 1, /^unavailable: The database/],
    [['asks'], 1, /^tool_error: .*input/],
    [['add', '{"a":1}'], 2, /^invalid_arguments: .*b: .*expected number/],
    [['add', '[1,2]'], 2, /^invalid_arguments: .*expected object, received array/],
    [['add', 'null'], 2, /^invalid_arguments: .*expected object, received null/],
    [['add'], 2, /^invalid_arguments: .*a: .*b: /],
    [
      ['add', '{a:1,b:2}'],
      2,
      /^the arguments are not valid JSON; quote them, for example '\{"a":5,"b":3\}'$/,
    ],
    [['add', ''], 2, /^the arguments are not valid JSON/],
    [['nope'], 2, /^there is no tool nope; nexus-mcp tools lists them$/],
    [['ad', '{}'], 2, /^there is no tool ad; did you mean add\?$/],
    [['__proto__'], 2, /^there is no tool __proto__/],
    [[], 2, /^call needs a tool's name/],
  ])('of %j ends with %d and says why on stderr', async (operands, exitCode, says) => {
    const { code, stdout, stderr } = await runHere(['call', ...operands, ...withFixtures]);
    expect([code, stdout]).toEqual([exitCode, '']);
    expect(complaints(stderr)).toEqual([expect.stringMatching(says)]);
    expect(stderr).not.toMatch(/secret|\bat \w/);
  });

  it.each([
    [
      'weather_forecast',
      /^this command has no tool weather_forecast; if it is a tool of an upstream, call it at a running server$/,
    ],
    ['bill_pay', /^this command has no tool bill_pay; if it is/],
    ['forecast', /^there is no tool forecast; nexus-mcp tools lists them$/],
  ])('says of %s whether an upstream could have it', async (name, says) => {
    const { code, stderr } = await runHere(['call', name, '--upstreams', UPSTREAMS]);
    expect(code).toBe(2);
    expect(complaints(stderr)).toEqual([expect.stringMatching(says)]);
  });

  it('shows what a tool threw, without secrets, because whoever calls may be who mends it', async () => {
    const { code, stderr } = await runHere(['call', 'throws', ...withFixtures]);
    const [says, thrown, place] = stderr.split('\n');
    expect([code, thrown]).toEqual([1, 'Error: secret detail at /etc/passwd']);
    expect(says).toMatch(/^nexus-mcp: exception: The tool failed unexpectedly/);
    expect(place).toMatch(/^ +at .*fixture-tools\.ts:\d+/);
    expect((await runHere(['call', 'throws_secret', ...withFixtures])).stderr).not.toContain('hunter2');
  });

  it('shows what ended the thread of a tool', async () => {
    const { code, stderr } = await runHere(['call', 'exits', ...withFixtures]);
    const [says, ended] = stderr.split('\n');
    expect([code, says]).toEqual([
      1,
      'nexus-mcp: unavailable: The worker thread that ran the tool ended before the call did.',
    ]);
    expect(ended).toMatch(/exited with code: 7; did the tool exit the process\?/);
  });

  it('with --json prints a failure as the answer, with the exit code of the failure', async () => {
    const failed = await runHere(['call', 'divide', '{"a":1,"b":0}', '--json']);
    expect([failed.code, failed.stderr]).toEqual([1, '']);
    expect(JSON.parse(failed.stdout)).toEqual({
      status: 'error',
      reason: 'tool_error',
      detail: expect.stringMatching(/^Division by zero/) as string,
    });
    const invalid = await runHere(['call', 'divide', '{}', '--json']);
    expect(invalid.code).toBe(2);
    expect(JSON.parse(invalid.stdout)).toMatchObject({ reason: 'invalid_arguments' });
  });

  it('is cancelled by Ctrl-C', async () => {
    const child = spawn(
      process.execPath,
      [
        MAIN,
        'call',
        'announces',
        '--tools.modules',
        join(
          directory,
          write(
            'announces.mjs',
            `export const announces = {
        name: 'announces', title: 'A', description: 'A', input: { type: 'object', additionalProperties: false },
        annotations: { readOnly: true, idempotent: true, openWorld: false },
        handler: () => new Promise((resolve) => { console.log('running'); setTimeout(resolve, 60_000); }),
      };`,
          ),
        ),
      ],
      { env: compiled() },
    );
    const errors = text(child.stderr.on('data', () => child.kill('SIGINT')));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    expect(await errors).toMatch(/running\nnexus-mcp: cancelled: /);
  });

  it('applies the settings of the server', async () => {
    const limit = ['--limits.toolTimeoutSeconds', '0.2'];
    const { code, stderr } = await runHere([
      'call',
      'slow',
      '{"milliseconds":5000}',
      ...withFixtures,
      ...limit,
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/timeout/);
  });
});

describe('check', () => {
  it('prints the settings in effect, as a file that would set them', async () => {
    const flags = [
      '--server.port',
      '1234',
      '--server.allowedHosts',
      'a.example,b.example',
      '--log.level',
      'warn',
    ];
    const { code, stdout, stderr } = await runHere(['check', ...flags]);
    expect([code, stderr]).toEqual([0, '']);
    const expected = settingsSchema.parse({
      server: { port: 1234, allowedHosts: ['a.example', 'b.example'] },
      log: { level: 'warn' },
    });
    expect(parse(stdout)).toEqual(expected);
    const again = await runHere(['check', '-c', write('printed.yaml', stdout)]);
    const [file = '', ...rest] = again.stdout.split('\n');
    expect(file).toMatch(/^# configuration file: \/.*\/printed\.yaml$/);
    expect({ ...again, stdout: rest.join('\n') }).toEqual({ code: 0, stdout, stderr: '' });
    expect(JSON.parse((await runHere(['check', '--json', ...flags])).stdout)).toEqual(expected);
  });

  it('counts one tool as one', async () => {
    const { stdout } = await runHere(['check', '--tools.enabled', 'add']);
    expect(stdout).toMatch(/^# 1 tool: a scrape has/m);
  });

  it('says above them how many samples a scrape can have, which more tools and attributes make more', async () => {
    const said = async (...args: string[]): Promise<number[]> => {
      const { stdout } = await runHere(['check', ...args]);
      const [, ...numbers] =
        /^# (\d+) tools?(?:, and up to 500 of upstreams)?: a scrape has (\d+) samples at most$/m.exec(
          stdout,
        ) ?? [];
      return numbers.map(Number);
    };
    const [tools = 0, most = 0] = await said();
    const [fewer = 0, ofFewer = 0] = await said('--tools.enabled', 'add');
    expect([fewer, most - ofFewer]).toEqual([1, (tools - 1) * 109]);
    // Whether any upstream was found or not: as many as may be, with as many tools.
    const found = ['--discovery.enabled', 'true', '--discovery.maxUpstreams', '3'];
    const [, ofFound = 0] = await said(...found);
    expect(ofFound - most).toBe(1328 + 500 * 109 + 3 * 643);
    const [, more = 0] = await said('--metrics.operationAttributes', 'network.transport');
    // As many operations again: of 15 methods, `other`, the tools and `unknown`, each with 4 outcomes in 17 series.
    expect(more - most).toBe((17 + tools) * 4 * 17);
    const upstreams = write('upstreams.yaml', 'upstreams: [{ name: a, url: http://127.0.0.1:1/mcp }]');
    const [, withUpstream = 0] = await said('--config', upstreams);
    expect(withUpstream - most).toBe(643 + 1328 + 500 * 109);
    expect(await said('--metrics.enabled', 'false')).toEqual([]);
  });

  it('says there which buckets of durations slow tools have, as the rules must know them', async () => {
    const { stdout } = await runHere(['check', '--limits.toolTimeoutSeconds', '45']);
    expect(stdout).toContain('\n# mcp_tool_duration_seconds has buckets above 10 s: 30, 45\n');
    expect((await runHere(['check'])).stdout).not.toContain('buckets above');
  });

  it.each([
    ['http://alice:hunter2@otlp.example:4318/x', 'http://[redacted]@otlp.example:4318/x'],
    ['https://otlp.example/?api_key=hunter2&x=1', 'https://otlp.example/?api_key=[redacted]&x=1'],
  ])('shows %s without the secret in it', async (endpoint, shown) => {
    for (const json of [[], ['--json']]) {
      // In a process of its own: from then on whatever is in one is traced.
      const { code, stdout } = await runCli(['check', '--tracing.endpoint', endpoint, ...json]);
      expect(code).toBe(0);
      expect(parse(stdout)).toMatchObject({ tracing: { endpoint: shown } });
      expect(stdout).not.toContain('hunter2');
    }
  });

  it('shows that a secret is set, and never what it is', async () => {
    const secret = 'a-very-secret-token-0123';
    const secrets = listSettings().filter((setting) => setting.secret);
    expect(secrets.map(({ path }) => path)).toEqual(['auth.token']);
    write('secret.yaml', `auth: {token: ${secret}}\n`);
    for (const json of [[], ['--json']]) {
      for (const result of [
        await runHere(['check', ...json], { env: { NEXUS_AUTH_TOKEN: secret } }),
        await runHere(['check', ...json, '--auth.token', secret]),
        await runHere(['check', ...json, '--config', 'secret.yaml']),
      ]) {
        expect([result.code, result.stderr]).toEqual([0, '']);
        expect(parse(result.stdout)).toMatchObject({ auth: { token: '(set)' } });
        expect(result.stdout).not.toContain('very-secret');
      }
    }
  });

  it('lists every problem with where it came from, and exit code 2', async () => {
    const config = write('broken.yaml', 'server: {port: high}\nlgo: {}\n');
    const { code, stdout, stderr } = await runHere(['check', '-c', config, '--limits.queue', 'x'], {
      env: { NEXUS_LIMITS_BURST: '-1', NEXUS_SERVR_HOST: 'x' },
    });
    expect([code, stdout]).toEqual([2, '']);
    const path = join(directory, config);
    expect(complaints(stderr).sort()).toEqual([
      'NEXUS_SERVR_HOST: there is no such setting; did you mean NEXUS_SERVER_HOST?',
      `configuration (from ${path}): Unrecognized key: "lgo"; did you mean log?`,
      expect.stringMatching(/^limits\.burst \(from NEXUS_LIMITS_BURST\): /),
      expect.stringMatching(/^limits\.queue \(from --limits\.queue\): /),
      expect.stringMatching(`^server\\.port \\(from ${path}\\): `),
    ]);
  });

  it('looks into the files that settings name, from the directory of the configuration file', async () => {
    write('tokens.yaml', '- {name: a, token: short}\n');
    write('short.key', 'short');
    write('empty.mjs', '');
    const config = write(
      'files.yaml',
      'auth: {tokensFile: tokens.yaml}\nsessions: {stateKeyFile: short.key}\ntools: {modules: [empty.mjs, gone.mjs]}\n',
    );
    const { code, stdout, stderr } = await runHere(['check', '--config', join(directory, config)]);
    expect([code, stdout]).toEqual([2, '']);
    expect(complaints(stderr)).toEqual([
      expect.stringMatching(`^${directory}/empty\\.mjs: exports no tool`),
      expect.stringMatching(`^${directory}/gone\\.mjs: there is no such file$`),
      expect.stringMatching(`^${directory}/tokens\\.yaml: entry a: token: `),
      expect.stringMatching(
        `^sessions\\.stateKeyFile \\(from ${directory}/files\\.yaml\\): ${directory}/short\\.key has fewer than 32 bytes`,
      ),
    ]);
  });

  it('opens no port', async () => {
    expect((await runHere(['check', '--server.host', '192.0.2.1'])).code).toBe(0);
  });
});

describe('a server with a wrong setting', () => {
  it.each([[[]], [['serve']], [['stdio']]])('does not start: %j', async (command) => {
    const { code, stdout, stderr } = await runHere([
      ...command,
      '--server.port',
      '70000',
      '--log.level',
      'loud',
    ]);
    expect([code, stdout]).toEqual([2, '']);
    expect(complaints(stderr)).toEqual([
      expect.stringMatching(/^server\.port \(from --server\.port\): /),
      expect.stringMatching(/^log\.level \(from --log\.level\): /),
    ]);
  });
});

describe('an unexpected error', () => {
  it('is printed with its stack, and exit code 1: never silence and success', async () => {
    const printed: string[] = [];
    const stdout = {
      write: () => {
        throw new Error('the disk is full');
      },
    };
    const stderr = { write: (line: string) => printed.push(line) };
    expect(await run({ ...shell, argv: ['tools'], stdout, stderr })).toBe(1);
    expect(printed.join('')).toMatch(/^nexus-mcp: unexpected error: Error: the disk is full\n +at /);
  });

  it('of a tool that leaves a promise behind is printed by call', async () => {
    const module = write(
      'floating.mjs',
      `export const floating = {
        name: 'floating', title: 'F', description: 'F', input: { type: 'object', additionalProperties: false },
        annotations: { readOnly: true, idempotent: true, openWorld: false },
        handler: () => { void Promise.reject(new Error('left behind')); return new Promise(() => {}); },
      };`,
    );
    const { code, stdout, stderr } = await runCli(['call', 'floating', '--tools.modules', module], {
      directory,
    });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^nexus-mcp: unexpected error: Error: a promise was rejected and nothing handles it: await it or catch it\ncaused by: Error: left behind\n +at [^]*nexus-mcp: cancelled/,
    );
  });
});

describe('a promise that rejects in a worker thread, and that nothing handles,', () => {
  it.each([
    ['at once', "Promise.reject(new Error('left behind'))"],
    ['a turn later', "setImmediate(() => Promise.reject(new Error('left behind')))"],
  ])('fails a call that was answered before: %s', async (_when, leave) => {
    const module = write(
      'floating-worker.mjs',
      `const tool = {
        title: 'F', description: 'F', input: { type: 'object', additionalProperties: false }, isolation: 'worker',
        annotations: { readOnly: true, idempotent: true, openWorld: false },
      };
      export const careless = { ...tool, name: 'careless', handler: () => { ${leave}; return 'done'; } };
      export const careful = { ...tool, name: 'careful', handler: () => 'done' };`,
    );
    const call = (name: string) => runHere(['call', name, '--tools.modules', module], { directory });
    expect(await call('careful')).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
    // On a busy machine the thread ends before its answer is read, and there is none.
    const { code, stdout, stderr } = await call('careless');
    expect([code, ['done\n', ''].includes(stdout)]).toEqual([1, true]);
    expect(stderr).toMatch(
      /^(?:nexus-mcp: the worker thread ended after the call: |nexus-mcp: unavailable: [^\n]*\n)Error: a promise of the tool careless was rejected and nothing handles it: await it or catch it\ncaused by: Error: left behind\n +at /,
    );
  });
});

const SCRIPT = '/usr/bin/script';
const hasScript = (() => {
  try {
    accessSync(SCRIPT);
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasScript)('on a terminal', () => {
  /** Runs the program with a terminal for stdout and stderr (util-linux's script), and returns what it shows. */
  async function onTerminal(args: readonly string[], { endAt }: { readonly endAt?: RegExp } = {}) {
    const command = ['exec', process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
    const child = spawn(SCRIPT, ['-qefc', command, '/dev/null'], {
      env: { ...compiled(), TERM: 'xterm', PATH: process.env['PATH'] },
    });
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      if (!endAt?.test(shown)) return;
      endAt = undefined;
      // Ctrl-C, as a person types it.
      child.stdin.write('\x03');
    });
    const [code] = (await once(child, 'close')) as [number];
    return { code, shown };
  }

  it('serve says where it is, and stops at Ctrl-C', async () => {
    const { code, shown } = await onTerminal(['--port', '0', '--log.level', 'silent'], { endAt: /stops it/ });
    expect(code).toBe(0);
    expect(shown).toMatch(
      /^nexus-mcp \S+ serves (http:\/\/127\.0\.0\.1:\d+)\/mcp; status page: \1\/; Ctrl-C stops it/,
    );
  });
});

const SLOW = ['call', 'slow', '{"milliseconds":700}', ...withFixtures];

describe('the line of a call', () => {
  it('is shown on a terminal while it runs, and taken away before the result', async () => {
    let shown = '';
    const terminal = { isTTY: true, write: (text: string) => (shown += text) };
    expect(await run({ ...shell, argv: SLOW, stdout: terminal, stderr: terminal })).toBe(0);
    expect(shown).toMatch(/^\r\x1b\[Kslow \d+\.\d s[^]*\r\x1b\[Kdone\n$/);
  });

  it('is not shown when the call is quick', async () => {
    const quick = ['call', 'add', '{"a":5,"b":3}'];
    expect(await runHere(quick, { isTTY: true })).toEqual({ code: 0, stdout: '8\n', stderr: '' });
  });

  it('is not shown in a pipe', async () => {
    expect(await runHere(SLOW)).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
  });
});
