import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runbooks } from './alerts/documented-queries.ts';
import { RULES } from './alerts/scenario.ts';
import { startTestServer, type TestServer } from './support/test-server.ts';

const TOKEN = 'the-only-token-that-is-right';

const page = readFileSync(new URL('../alerts/README.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## Before you paste'), page.indexOf('## Roll back'));
const [names = '', kubernetes = '', , host = ''] = [...section.matchAll(/```sh\n([^]*?)```/g)].map(
  ([, code = '']) => code,
);

/** A kubectl that knows one pod, at 10.0.0.7: what it is to execute there runs here, and of all else it says what it was. */
const KUBECTL = `kubectl() {
  case "$*" in
    *"get pods"*status.podIP=10.0.0.7) echo pod/one ;;
    *"get pods"*status.podIP=*) ;;
    *"get pods"*) echo pod/one ;;
    *" exec "*) while [ "$1" != -- ]; do shift; done; shift; "$@" ;;
    *) echo "kubectl $*" ;;
  esac
}
`;

let server: TestServer;
const log = join(mkdtempSync(join(tmpdir(), 'log-')), 'log');
const call = {
  level: 'info',
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
  { ...call, client_name: 'agent', folded: 3 },
  { ...call, ...failed },
  { ...call, run_seconds: 1 },
  { ...thrown, err: 'upstream weather: JSON-RPC error -32603: a bug' },
  { ...thrown, err: { message: 'no such table' } },
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
  const script = [KUBECTL, names, platform, `HOST=${hostname}; OPS=${port}`, ...lines].join('\n');
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

/** The lines of the runbooks that ask the server by itself, as they are pasted. */
const questions = runbooks().flatMap(({ path, text }) =>
  [...text.matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].flatMap(([, block = '']) =>
    block
      .split(/\n(?= *\w)/)
      .map((line) => line.trim())
      .filter((line) => /^(?:status|metrics|failures|slow)\b/.test(line))
      .map((line) => ({ path, line })),
  ),
);

it('what the runbooks ask a server fails at no field that one without upstreams, issuers and the like has not', async () => {
  expect(questions.length).toBeGreaterThan(25);
  const typed = questions.flatMap(({ path, line }) => [`echo "-- ${path}" >&2`, line]);
  const { stderr } = await paste(host, `TOKEN=${TOKEN}`, 'TOOL=echo', `logs() { cat "${log}"; }`, ...typed);
  expect(stderr.split('-- ').filter((said) => /jq: |awk: |grep: |curl: /.test(said))).toEqual([]);
});

it('what alerts pick out of the log fails at no line of it', async () => {
  const picks = RULES.flatMap(({ rules }) =>
    rules.flatMap(
      ({ annotations }) =>
        /2>&1\{\{ end \}\}.*(\| jq .*)/.exec(annotations?.['description'] ?? '')?.[1] ?? [],
    ),
  );
  expect(picks.length).toBeGreaterThan(10);
  const typed = picks.map((pick) => `cat "${log}" ${pick}`);
  const { stdout, stderr } = await paste(host, ...typed);
  expect(stderr).not.toContain('jq: ');
  expect(stdout).toContain('"error":"upstream weather: JSON-RPC error -32603: a bug"');
});

it('slow and failures count calls by who made them, those that were folded, too', async () => {
  const typed = [`logs() { cat "${log}"; }`, 'slow', 'failures'];
  const { stdout, stderr } = await paste(host, ...typed);
  expect(stdout.split('\n')).toEqual([
    'calls\ttool\toutcome\tcaller\tclient',
    '4\treport\tsuccess\tci\tagent',
    '1\treport\ttimeout\tci\t-',
    'calls\ttool\treason\tcaller\tclient\tcause',
    '1\treport\ttimeout\tci\t-\tupstream weather: no answer within 3 s',
    '1\treport\texception\tci\t-\tupstream weather: JSON-RPC error -32603: a bug',
    '1\treport\texception\tci\t-\tno such table',
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
