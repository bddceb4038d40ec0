import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
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

beforeAll(async () => {
  const tokensFile = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.yaml');
  writeFileSync(tokensFile, `- {name: ci, token: ${TOKEN}}\n`);
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
