import { execFile } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateKey, readKey } from 'openpgp';
import { beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { provideKubernetesTools } from '../../scripts/kubernetes-tools.ts';
import { CHART } from './helm.ts';

const execute = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), 'package-'));
const { version } = parse(readFileSync(`${CHART}Chart.yaml`, 'utf8')) as { version: string };
const archive = join(directory, `nexus-mcp-${version}.tgz`);

/** A keyring with one throw-away key. */
async function keyring(name: string): Promise<{ readonly secret: string; readonly public: string }> {
  const key = await generateKey({
    type: 'rsa',
    rsaBits: 2048,
    userIDs: [{ name, email: 'release@example.com' }],
    format: 'binary',
  });
  const file = { secret: join(directory, `${name}.secret.gpg`), public: join(directory, `${name}.gpg`) };
  writeFileSync(file.secret, key.privateKey);
  writeFileSync(file.public, (await readKey({ binaryKey: key.publicKey })).write());
  return file;
}

let ours: Awaited<ReturnType<typeof keyring>>;
beforeAll(async () => {
  ours = await keyring('release');
  const sign = ['--sign', '--key', 'release', '--keyring', ours.secret, '--destination', directory];
  await execute(process.execPath, ['scripts/package-chart.ts', ...sign]);
});

const verify = async (tool: 'helm3' | 'helm4', file: string, keys: string): Promise<string> => {
  const { stdout } = await execute((await provideKubernetesTools())[tool], [
    'verify',
    file,
    '--keyring',
    keys,
  ]);
  return stdout;
};

it.each(['helm3', 'helm4'] as const)(
  '%s verifies the signature and provenance of a package',
  async (tool) => {
    expect(await verify(tool, archive, ours.public)).toContain('release@example.com');
  },
);

it.each(['helm3', 'helm4'] as const)(
  '%s refuses a package that was changed, or of another key',
  async (tool) => {
    const changed = join(directory, tool);
    mkdirSync(changed);
    for (const name of [archive, `${archive}.prov`]) copyFileSync(name, name.replace(directory, changed));
    const file = archive.replace(directory, changed);
    appendFileSync(file, 'x');
    await expect(verify(tool, file, ours.public)).rejects.toThrow(/sha256|digest/);
    const theirs = await keyring(`other-${tool}`);
    await expect(verify(tool, archive, theirs.public)).rejects.toThrow(/unknown entity|signature/);
  },
);

it('a package renders as the chart does, and has nothing but the chart', async () => {
  const { helm4 } = await provideKubernetesTools();
  const options = { maxBuffer: 64 * 1024 * 1024 };
  const [ofPackage, ofChart] = await Promise.all(
    [archive, CHART].map((chart) => execute(helm4, ['template', 'nexus-mcp', chart], options)),
  );
  expect(ofPackage?.stdout).toBe(ofChart?.stdout);
  const { stdout } = await execute('tar', ['-tzf', archive]);
  expect(stdout.split('\n').filter((name) => /\/(ci|\.git|node_modules)\//.test(name))).toEqual([]);
});
