import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { runbooks } from './alerts/documented-queries.ts';
import { RULES } from './alerts/scenario.ts';
import { freePorts } from './support/replicas.ts';
import { BLOCKS } from './support/runbook-blocks.ts';
import { startServer } from './support/server-process.ts';
import { waitUntil } from './support/wait.ts';
import { startTestServer, type TestServer } from './support/test-server.ts';

const TOKEN = 'the-only-token-that-is-right';

const [names = '', kubernetes = '', compose = '', host = '', plain = ''] = BLOCKS;

/** A kubectl that knows one pod, at 10.0.0.7: what it is to execute there runs here, and of all else it says what it was. */
const KUBECTL = `kubectl() {
  case "$*" in
    *"get pods"*status.podIP=10.0.0.7) echo pod/one ;;
    *"get pods"*status.podIP=*) ;;
    *"get pods"*) echo pod/one ;;
    *"get "*,*--sort-by*) echo "error: kubectl sorts no list of several kinds" >&2; return 1 ;;
    *" exec "*) while [ "$1" != -- ]; do shift; done; shift; "$@" ;;
    *) echo "kubectl $*" ;;
  esac
}
`;

let server: TestServer;
const log = join(mkdtempSync(join(tmpdir(), 'log-')), 'log');
const call = {
  level: 'info',
  time: '2026-05-04T01:02:04.500Z',
  msg: 'tool call',
  tool: 'report',
  status: 'success',
  caller: 'ci',
  run_seconds: 3,
};
const failed = {
  level: 'warn',
  status: 'error',
  reason: 'timeout',
  why: 'upstream weather: no answer within 3 s',
};
const thrown = { ...call, level: 'error', status: 'error', reason: 'exception', run_seconds: 1 };
const LINES = [
  { level: 'info', msg: 'ready' },
  { ...call, client_name: 'agent' },
  { ...call, time: '2026-05-04T01:03:04.500Z', client_name: 'agent', folded: 3 },
  { ...call, time: '2026-05-03T23:59:00.000Z', client_name: 'agent' },
  { ...call, ...failed },
  { ...call, run_seconds: 1 },
  { ...thrown, err: 'upstream weather: JSON-RPC error -32603: a bug' },
  { ...thrown, err: { message: 'no such table' } },
  { ...thrown, msg: 'worker thread replaced', reason: 'out_of_memory' },
];

beforeAll(async () => {
  const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
  writeFileSync(tokensFile, `- {name: ci, token: ${TOKEN}}\n`);
  writeFileSync(log, ['no JSON', ...LINES.map((line) => JSON.stringify(line)), ''].join('\n'));
  server = await startTestServer({ auth: { tokensFile }, metrics: { needToken: true } });
});
afterAll(() => server.stop());

/** Pastes the block of a platform, and types some lines. */
async function paste(platform: string, ...lines: readonly string[]) {
  const { hostname, port } = new URL(server.url);
  const at = `HOST=${hostname}; OPS=${port}; PORT=${port}`;
  const script = [KUBECTL, names, at, platform, ...lines].join('\n');
  // Lines that fail are what an interactive shell goes on from.
  return promisify(execFile)('bash', ['-c', `${script}\ntrue`]);
}

it.each([
  ['a host', host, '401'],
  ['Kubernetes', kubernetes, 'Unauthorized'],
])('status shows the status page on %s, or says that a token is wanted', async (_name, platform, refusal) => {
  const { stdout } = await paste(platform, `TOKEN=${TOKEN}`, 'status');
  expect(JSON.parse(stdout.slice(stdout.indexOf('{"name"')))).toMatchObject({ verdict: { level: 'good' } });
  const refused = await paste(platform, 'status');
  expect(refused.stderr).toContain(refusal);
  expect(refused.stdout).not.toContain('{');
});

const shellIn = (text: string): readonly string[] =>
  [...text.matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].map(([, code = '']) => code);

/** The commands of the runbooks that ask the server by itself, as they are pasted: the lines of their blocks, and those within their sentences. */
const questions = runbooks().flatMap(({ path, text }) => {
  const lines = shellIn(text).flatMap((block) => block.split(/\n(?= *\w)/));
  const said = text.match(/(?<=`)(?:status \||metrics )[^`]*(?=`)/g) ?? [];
  return [...lines, ...said]
    .map((line) => line.trim())
    .filter((line) => /^(?:status|metrics|failures|slow)\b/.test(line))
    .map((line) => ({ path, line }));
});

it('what the runbooks ask a server fails at no field that one without upstreams, issuers and the like has not', async () => {
  expect(questions.length).toBeGreaterThan(25);
  const typed = questions.flatMap(({ path, line }) => [`echo "-- ${path}" >&2`, line]);
  const { stderr } = await paste(host, `TOKEN=${TOKEN}`, 'TOOL=echo', `logs() { cat "${log}"; }`, ...typed);
  expect(stderr.split('-- ').filter((said) => /jq: |awk: |grep: |curl: /.test(said))).toEqual([]);
});

it.each([
  ['a host', host],
  ['Kubernetes', kubernetes],
])(
  'call calls a tool, and ask gets a path, on %s, also where nobody may without a token',
  async (_name, platform) => {
    const lines = [`call '{"tool_name":"add","arguments":{"a":5,"b":3}}'`, 'ask "$PORT" /tools | head -c 20'];
    const { stdout } = await paste(platform, `TOKEN=${TOKEN}`, ...lines);
    expect(stdout).toContain('"result":8');
    expect(stdout).toContain('{"tools":');
    const refused = await paste(platform, ...lines);
    expect(refused.stdout + refused.stderr).toMatch(/Unauthorized[^]*(?:401|Unauthorized)/);
  },
);

it.each([
  ['Kubernetes', kubernetes, /get replicasets -l[^]*\npod\/one\n[^]*helm -n/],
  ['a plain host', plain, new RegExp(`\\b${process.pid}\\b`)],
])('deployed shows what runs since when on %s', async (_name, platform, shown) => {
  const { stdout } = await paste(platform, 'helm() { echo "helm $*"; }', 'deployed');
  expect(stdout).toMatch(shown);
});

const discoveryBlock = (): string => {
  const { text } = runbooks().find(({ path }) => path.endsWith('NexusMCPDiscoveryStale.md')) ?? {};
  return shellIn(text ?? '').find((block) => block.includes('can-i')) ?? '';
};

it.each([
  ['namespaces:\n    - s3-tools\n    - others\n  resyncSeconds: 60', ['s3-tools', 'others']],
  ['namespaces: []\n  resyncSeconds: 60', ['tools']],
])(
  'what an account may do is asked in the namespaces that the server looks in: %j',
  async (setting, asked) => {
    const { stdout } = await paste(
      kubernetes,
      'NS=tools',
      `check() { printf 'discovery:\n  ${setting}\nnetwork:\n'; }`,
      'kubectl() { case "$*" in *serviceAccountName*) echo robot ;; *) echo "kubectl $*" ;; esac; }',
      discoveryBlock(),
    );
    expect(stdout.match(/can-i (list|watch) services -n \S+ --as=\S+/g)).toEqual(
      asked.flatMap((namespace) =>
        ['list', 'watch'].map(
          (verb) => `can-i ${verb} services -n ${namespace} --as=system:serviceaccount:tools:robot`,
        ),
      ),
    );
    expect(stdout.match(/-n \S+ get role/g)).toEqual(asked.map((namespace) => `-n ${namespace} get role`));
  },
);

it('what alerts pick out of the log fails at no line of it', async () => {
  const picks = RULES.flatMap(({ rules }) =>
    rules.flatMap(
      ({ annotations }) =>
        /instead" >&2; \}\{\{ end \}\}.*(\| jq .*)/.exec(annotations?.['description'] ?? '')?.[1] ?? [],
    ),
  );
  expect(picks.length).toBeGreaterThan(8);
  const typed = picks.map((pick) => `cat "${log}" ${pick}`);
  const { stdout, stderr } = await paste(host, ...typed);
  expect(stderr).not.toContain('jq: ');
  expect(stdout).toContain('"error":"upstream weather: JSON-RPC error -32603: a bug"');
});

it('slow and failures count calls by who made them, those that were folded, too, and say since when', async () => {
  const typed = [`logs() { cat "${log}"; }`, 'slow', 'failures'];
  const { stdout, stderr } = await paste(host, ...typed);
  expect(stdout.split('\n')).toEqual([
    'calls\tfirst\tlast\ttool\toutcome\tcaller\tclient',
    '5\t05-03T23:59:00\t05-04T01:03:04\treport\tsuccess\tci\tagent',
    '1\t05-04T01:02:04\t05-04T01:02:04\treport\ttimeout\tci\t-',
    'calls\tfirst\tlast\ttool\treason\tcaller\tclient\tcause',
    '1\t05-04T01:02:04\t05-04T01:02:04\treport\ttimeout\tci\t-\tupstream weather: no answer within 3 s',
    '1\t05-04T01:02:04\t05-04T01:02:04\treport\texception\tci\t-\tupstream weather: JSON-RPC error -32603: a bug',
    '1\t05-04T01:02:04\t05-04T01:02:04\treport\texception\tci\t-\tno such table',
    '',
  ]);
  expect(stderr).toContain('Of equal calls only the first 5');
});

it.each([
  ['a host', host],
  ['Kubernetes', kubernetes],
])('metrics shows those that are asked for on %s', async (_name, platform) => {
  const { stdout } = await paste(platform, `TOKEN=${TOKEN}`, "metrics 'mcp_sessions_limit|mcp_active_'");
  expect(stdout).toMatch(/^mcp_active_sessions 0\n/m);
  expect(stdout).toMatch(/^mcp_sessions_limit 1000\n/m);
  expect(stdout).not.toMatch(/^mcp_tool/m);
});

it.each([
  ['a host', host],
  ['Kubernetes', kubernetes],
])('status says that an instance gives no answer on %s', async (_name, platform) => {
  const { stdout, stderr } = await paste(platform, 'OPS=1', 'status');
  expect(stdout).not.toContain('{');
  expect(stderr).toMatch(/no answer|Failed to connect/);
});

it('restart deletes the pod of the instance, and none without an instance', async () => {
  const { stdout } = await paste(kubernetes, 'INSTANCE=10.0.0.7:9998', 'restart');
  expect(stdout).toContain('delete pod/one\n');
  const refused = await paste(kubernetes, 'restart');
  expect(refused.stdout).not.toContain('delete');
  expect(refused.stderr).toContain('INSTANCE is empty');
});

it('an address that no pod has is called that', async () => {
  const { stderr } = await paste(kubernetes, 'INSTANCE=10.0.0.8:9998', 'status');
  expect(stderr).toContain('no such pod');
});

it('what is pasted has no comments, which an interactive zsh would run as commands', () => {
  const pasted = [...BLOCKS, ...runbooks().flatMap(({ text }) => shellIn(text))].join('\n');
  expect(pasted.match(/(?<=^|\s)#(?=\s).*$/gm)).toBeNull();
});

it('what is pasted has no ! that an interactive shell takes for one of its history', () => {
  const pasted = [...BLOCKS, ...runbooks().flatMap(({ text }) => shellIn(text))].join('\n');
  expect(pasted.replaceAll(/'[^']*'/g, '').match(/.*![^\s=(].*/g)).toBeNull();
});

it('no runbook has a port fixed that a server may have elsewhere', () => {
  const fixed = runbooks().filter(({ text }) => shellIn(text).some((code) => /\b999[89]\b/.test(code)));
  expect(fixed.map(({ path }) => path)).toEqual([]);
});

it.each([
  ['a host with systemd', host],
  ['a host without systemd', plain],
])('run and check on %s say that the process is gone', async (_name, platform) => {
  const { stdout, stderr } = await paste(platform, 'PID=4194305', 'run echo ran', 'check');
  expect(stdout).toBe('');
  expect(stderr.match(/process 4194305 is gone: paste this block again/g)).toHaveLength(2);
});

it('a plain host has the process that listens at the port, or says that none does', async () => {
  const { stdout, stderr } = await paste(plain, 'echo "$PID"', 'run node -p 1+1');
  expect(stderr).toBe('');
  expect(stdout).toBe(`${process.pid}\n2\n`);
  const none = await paste(`PORT=1\n${plain}`, 'restart');
  expect(none.stderr).toContain('no process of yours listens at port 1');
  expect(none.stderr).toContain('no process was found: start the server');
});

it('a plain host asks the port with the metrics that the settings of the server say, unless OPS is set', async () => {
  const [opsPort = 0] = await freePorts(1);
  const started = await startServer({ args: ['--ops.port', String(opsPort)] });
  onTestFinished(async () => {
    await started.stop();
  });
  const at = `PORT=${started.port}; OPS=`;
  const { stdout, stderr } = await paste(`${at}\n${plain}`, 'echo "$OPS"', `${at}7`, plain, 'echo "$OPS"');
  expect({ stdout, stderr }).toEqual({ stdout: `${opsPort}\n7\n`, stderr: '' });
});

it('a plain host asks the port of the calls where nothing says which has the metrics', async () => {
  const { stderr } = await paste(`HOST=localhost; PORT=1; OPS=\n${plain}`, 'status');
  expect(stderr).toContain('== localhost:1\n');
});

it('OPS has the port of the chart in Kubernetes, and that of the calls in Docker Compose, where it is not set', async () => {
  const { stdout } = await paste(
    `OPS=\nPORT=7\n${kubernetes}`,
    'echo "$OPS"',
    'OPS=',
    compose,
    'echo "$OPS"',
  );
  expect(stdout).toMatch(/(?:^|\n)9998\n7\n$/);
});

/** A program that is started like the server: `check` refuses a value, and SIGTERM does not end it, as one whose event loop is blocked. */
const HUNG = `
if (process.argv.includes('check')) {
  if (process.env.BAD) console.error('BAD (from NEXUS_BAD): there is no such tool');
  process.exit(process.env.BAD ? 2 : 0);
}
process.on('SIGTERM', () => {});
console.log(JSON.stringify([process.pid, process.cwd(), process.env]));
setInterval(() => {}, 1000);
`;

it('restart on a plain host ends nothing, and prints nothing to type where the settings would be wrong', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'restart-'));
  const output = join(directory, 'output');
  const to = openSync(output, 'a');
  const secret = `it's a "$secret"\nof two lines`;
  writeFileSync(join(directory, 'main.cjs'), HUNG);
  const hung = spawn(process.execPath, ['main.cjs', '--limits.toolConcurrency=3'], {
    cwd: directory,
    env: { SECRET: secret, GOES: 'away', NEXUS_BURST: '7', PATH: process.env['PATH'] },
    stdio: ['ignore', to, to],
  });
  onTestFinished(() => {
    hung.kill('SIGKILL');
  });
  type Run = readonly [pid: number, directory: string, env: Readonly<Record<string, string>>];
  const runs = () =>
    readFileSync(output, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('['))
      .map((line) => JSON.parse(line) as Run);
  await waitUntil(() => runs().length === 1);
  const restart = (...changes: readonly string[]) =>
    paste(plain, `PID=${String(hung.pid)}`, `HOME=${directory}`, `restart ${changes.join(' ')}`);
  const toType = (stdout: string) => stdout.split('\n').filter((line) => line.startsWith('  '));

  const wrong = await restart('BAD=1');
  expect(wrong.stderr).toContain('there is no such tool');
  expect(wrong.stderr).toContain('would not come back');
  expect(toType(wrong.stdout)).toEqual([]);
  const odd = await restart('GOES');
  expect(odd.stderr).toContain('GOES is neither NAME=VALUE nor NAME-');
  expect(toType(odd.stdout)).toEqual([]);
  const option = await restart('--tools.disabled=spin');
  expect(option.stderr).toContain('--tools.disabled=spin is an option');
  expect(toType(option.stdout)).toEqual([]);
  const overridden = await restart('NEXUS_LIMITS_TOOL_CONCURRENCY=4');
  expect(overridden.stderr).toContain('has no effect: --limits.toolConcurrency is on the command line');
  expect(toType(overridden.stdout)).toEqual([]);

  const { stdout } = await restart('GOES-', 'NEXUS_BURST=50', 'NEXUS_NEW=a=b');
  // What may start it again is named: this test runner, which is no shell.
  expect(stdout).toMatch(new RegExp(`one of its parents \\(.*\\(${process.pid}\\)`));
  expect(stdout).not.toContain('secret"');
  expect(hung.exitCode ?? hung.signalCode).toBeNull();
  const [kill = '', start = '', mend = ''] = toType(stdout);
  const [, file = ''] = /-a '(\S+)'/.exec(start) ?? [];
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await promisify(execFile)('sh', ['-c', kill.replace('timeout 60', 'timeout 0.1')]);
  await waitUntil(() => hung.signalCode === 'SIGKILL');
  // Its output is a pipe, which has an end although the server goes on.
  await promisify(execFile)('bash', ['-c', `{ ${start.trim()} } | cat`]);
  await waitUntil(() => runs().length === 2);
  const mended = mend.replace('NAME=.*', 'NEXUS_NEW=.*').replace('NAME=VALUE', 'NEXUS_NEW=mended');
  await promisify(execFile)('bash', ['-c', `${mended}\n${start}`]);
  await waitUntil(() => runs().length === 3);
  for (const [index, value] of [
    [1, 'a=b'],
    [2, 'mended'],
  ] as const) {
    const [pid, where, env] = runs()[index] ?? [0];
    onTestFinished(() => {
      process.kill(pid, 'SIGKILL');
    });
    expect(where).toBe(directory);
    expect(env).toMatchObject({ SECRET: secret, NEXUS_BURST: '50', NEXUS_NEW: value });
    expect(env).not.toHaveProperty('GOES');
  }
});

it('no page has SIGHUP sent to a server that has a terminal, which would stop it', async () => {
  const signalling = runbooks().flatMap(({ text }) =>
    shellIn(text).filter((code) => code.includes('SIGHUP')),
  );
  expect(signalling).toHaveLength(1);
  const [send = ''] = signalling;
  const code = 'console.log(String(process.pid)); setInterval(() => {}, 1000)';
  const terminal = spawn('script', ['-qfec', `exec '${process.execPath}' -e '${code}'`, '/dev/null']);
  onTestFinished(() => {
    terminal.kill();
  });
  let said = '';
  terminal.stdout.on('data', (data: Buffer) => (said += String(data)));
  await waitUntil(() => said.includes('\n'));
  const refused = await paste(host, `PID=${said.trim()}`, send);
  expect(refused.stderr).toContain('has a terminal: SIGHUP would stop it');
  expect(terminal.exitCode).toBeNull();
  const alone = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  onTestFinished(() => {
    alone.kill();
  });
  await paste(host, `PID=${String(alone.pid)}`, send);
  await waitUntil(() => alone.signalCode === 'SIGHUP');
});

it('a plain host has the lines of the window in its log, and an error without the file', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'log-')), 'log');
  const at = (secondsAgo: number): string =>
    JSON.stringify({ time: new Date(Date.now() - 1000 * secondsAgo).toISOString(), secondsAgo });
  writeFileSync(file, ['no JSON', '7', at(7200), at(1200), at(300), ''].join('\n'));
  const { stdout } = await paste(plain, `FILE=${file}`, 'logs', 'echo', 'logs 1h');
  const [last, hour] = stdout.split('\n\n').map((lines) => lines.match(/(?<="secondsAgo":)\d+/g));
  expect(last).toEqual(['300']);
  expect(hour).toEqual(['1200', '300']);
  expect((await paste(plain, 'FILE=/nowhere', 'logs')).stderr).toContain('/nowhere');
});

it('the look into the process refuses a debugger that is not its own', async () => {
  const text = runbooks().find(({ path }) => path.includes('EventLoopBlocked'))?.text ?? '';
  const [look = ''] = shellIn(text);
  const other = spawn(process.execPath, ['--inspect=127.0.0.1:0', '-e', 'setInterval(() => {}, 10)']);
  const address = await new Promise<string>((resolve) => {
    other.stderr.on('data', (said: Buffer) => {
      const [, found] = /ws:\/\/([^/]+)/.exec(String(said)) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  // One that SIGUSR1 does nothing to.
  const asked = spawn(process.execPath, ['-e', 'process.on("SIGUSR1", () => {}); setInterval(() => {}, 10)']);
  // What waits for seconds there need not wait here.
  const typed = look.replaceAll('127.0.0.1:9229', address).replaceAll('1000', '50');
  onTestFinished(() => {
    other.kill();
    asked.kill();
  });
  const [otherPid, askedPid] = [String(other.pid), String(asked.pid)];
  const stranger = await paste(host, `PID=${askedPid}`, typed);
  const own = await paste(host, `PID=${otherPid}`, typed);
  expect(stranger.stdout).toBe('');
  expect(stranger.stderr).toContain(`the debugger of process ${otherPid}, not of ${askedPid}`);
  expect(own.stderr).not.toContain('port 9229');
  expect(own.stdout).toContain('node:internal/timers');
});

it('the log commands of alerts let it be seen that there is no log', async () => {
  const logs = RULES.flatMap(({ rules }) =>
    rules.flatMap(
      ({ annotations }) =>
        /\{\{ else \}\}(\{ journalctl -qu nexus-mcp -o cat(?! -n) .*?; \})\{\{ end \}\}/.exec(
          annotations?.['description'] ?? '',
        )?.[1] ?? [],
    ),
  );
  expect(logs.length).toBeGreaterThan(8);
  const nothing = ['docker() { echo "No such container: $*" >&2; return 1; }', 'journalctl() { return 0; }'];
  for (const command of new Set(logs)) {
    const { stderr } = await paste(host, ...nothing, `${command} | grep something | jq .`);
    expect(stderr).toContain('No such container');
    expect(stderr).toContain('no log here: name your container or unit');
  }
});

it('upstream_url has the URL of the upstream of the alert, of settings or found in Kubernetes, or says that there is none', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'settings-')), 'nexus.yaml');
  writeFileSync(
    file,
    [
      'upstreams:',
      '  - {name: front, url: "http://127.0.0.1:1/one"}',
      '  - {url: "http://127.0.0.1:1/two", prefix: b_, name: back}',
    ].join('\n'),
  );
  const started = await startServer({ args: ['--config', file] });
  onTestFinished(async () => {
    await started.stop();
  });
  const ask = (...typed: readonly string[]) =>
    paste(`PORT=${String(started.port)}; OPS=$PORT\n${plain}`, ...typed, 'upstream_url');
  const second = await ask('UPSTREAM=back');
  expect(second).toMatchObject({ stdout: 'http://127.0.0.1:1/two\n', stderr: '' });
  const none = await ask('UPSTREAM=bac');
  expect(none.stdout).toBe('');
  expect(none.stderr).toContain('no upstream has the name bac');
  const found = { enabled: true, labelSelector: 'mcp=yes' };
  const services = [
    { metadata: { namespace: 'a', name: 'other' }, spec: { clusterIP: '10.0.0.1', ports: [{ port: 1 }] } },
    {
      metadata: { namespace: 'b', name: 'svc', annotations: { 'nexus-mcp.io/name': 'side' } },
      spec: { clusterIP: '10.0.0.2', ports: [{ port: 80 }, { port: 81 }] },
    },
  ];
  const { stdout } = await ask(
    `check() { echo '${JSON.stringify({ upstreams: [], discovery: found })}'; }`,
    `kubectl() { [ "$*" = "get services -A -l mcp=yes -o json" ] && echo '${JSON.stringify({ items: services })}'; }`,
    'UPSTREAM=side',
  );
  expect(stdout).toBe('Service b/svc: 10.0.0.2, ports 80 81\n');
});

/** The block of a runbook that has a text in it. */
const blockOf = (runbook: string, part: string): string => {
  const { text = '' } = runbooks().find(({ path }) => path.includes(runbook)) ?? {};
  return shellIn(text).find((code) => code.includes(part)) ?? '';
};

/** A `logs` that prints these lines. */
const logsOf = (lines: readonly object[]): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'log-')), 'log');
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return `logs() { cat "${file}"; }`;
};

it('whether refused calls waited is told by what was full, however short they may wait', async () => {
  const refused = { tool: 'echo', reason: 'overloaded', caller: 'ci', duration_seconds: 0.2 };
  const taken = 'all 64 places of the tool echo are taken';
  const lines = [
    { ...refused, why: taken },
    { ...refused, folded: 4, why: `${taken}, and too many calls wait for places` },
    { ...refused, duration_seconds: 9, why: 'The server is shutting down; try again.' },
  ];
  const { stdout } = await paste(host, logsOf(lines), blockOf('Overloaded', '"waited"'));
  expect(stdout.split('\n')).toEqual([
    '4\techo ci - at once',
    '1\techo ci - waited',
    '1\techo ci - The server is shutting down; try again.',
    '',
  ]);
});

it('where a tool threw is shown of those errors that have a stack', async () => {
  const lines = [
    { tool: 'report', err: 'upstream weather: JSON-RPC error -32603: a bug' },
    { tool: 'report', err: { message: 'no such table', stack: 'Error: no such table\n    at report.ts:7' } },
    { tool: 'other', err: { stack: 'Error: of another' } },
    { tool: 'report' },
  ];
  const typed = blockOf('ToolErrorRateHigh', 'stack');
  const { stdout, stderr } = await paste(host, 'TOOL=report', logsOf(lines), typed);
  expect(stdout).toBe('Error: no such table\n    at report.ts:7\n');
  expect(stderr).not.toContain('jq: ');
});

it('the sessions runbook counts requests of MCP by their status, and leaves out what is 0', async () => {
  const { status } = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const typed = blockOf('SessionsNearLimit', 'metrics').replace('"503"', `"${String(status)}"`);
  const { stdout } = await paste(host, `TOKEN=${TOKEN}`, typed);
  expect(stdout).toMatch(/^http_server_request_duration_seconds_count[^]* [1-9]\n/m);
  expect(stdout).toContain('mcp_active_sessions 0\n');
  expect(stdout).not.toMatch(/^mcp_sessions_.* 0$/m);
});

it('the slowest tools of an alert are the slowest first, without those that did not run', async () => {
  const descriptions = RULES.flatMap(({ rules }) => rules.map((rule) => rule.annotations?.['description']));
  const [, filter = ''] =
    /jq -c '(if \.activity[^']*sort_by\(-\.p95[^']*)'/.exec(descriptions.join('\n')) ?? [];
  const tools = [
    { name: 'unknown', p95_seconds: null },
    ...[2, 4, 1, 3].map((p95_seconds) => ({ name: `t${String(p95_seconds)}`, p95_seconds })),
    { name: 'far', source: 'upstream', p95_seconds: 9 },
  ];
  const page = JSON.stringify({ verdict: { detail: 'd' }, activity: { tools } });
  const { stdout } = await paste(host, `echo '${page}' | jq -c '${filter}'`);
  expect(stdout.match(/t\d|unknown|far/g)).toEqual(['t4', 't3', 't2']);
});

it('the first commands about processes help where there is neither docker nor systemd', async () => {
  const commands = RULES.flatMap(({ rules }) =>
    rules.flatMap(
      ({ annotations }) =>
        (annotations?.['description'] ?? '').match(
          /\{ (?:pgrep|journalctl -qu nexus-mcp -o cat -n)[^}]*; \}/g,
        ) ?? [],
    ),
  );
  expect(new Set(commands).size).toBe(2);
  const nothing = ['docker', 'systemctl', 'journalctl'].map(
    (name) => `${name}() { echo "no ${name}" >&2; return 1; }`,
  );
  const running = 'pgrep() { [ "$*" = "-af nexus-mcp|main[.][jt]s" ] && echo "7 node src/main.ts"; }';
  for (const command of new Set(commands)) {
    const { stdout, stderr } = await paste(host, ...nothing, running, command);
    expect(`${stdout}${stderr}`).toMatch(
      /7 node src\/main\.ts|no journal of a unit nexus-mcp here: tail -n 60/,
    );
    const none = await paste(host, ...nothing, 'pgrep() { return 1; }', command);
    expect(none.stderr).toMatch(/no process of the server here|no journal of a unit/);
  }
});
