import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { run } from './run.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Whether this machine has Debian's package sources. */
export const isDebian = async (): Promise<boolean> => (await osRelease()).get('ID') === 'debian';

async function osRelease(): Promise<Map<string, string>> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return new Map(
    [...text.matchAll(/^(\w+)="?([^"\n]*)"?$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
}

/**
 * Unpacks packages, without what they depend on, into a root file system; their scripts do not run.
 * @returns name and version of the first
 */
export async function unpackPackages(
  suite: string,
  packages: readonly string[],
  root: string,
): Promise<string> {
  const wanted = createHash('sha256').update(packages.join()).digest('hex').slice(0, 12);
  const downloads = await cached(`debian-${suite}-${wanted}`, async (directory) => {
    await run('apt-get', ['-c', await index(suite), 'download', '-q', ...packages], directory);
  });
  await mergeUsr(root);
  const files = await readdir(downloads);
  for (const file of files) {
    const extract = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink';
    await run('sh', ['-c', extract, 'sh', join(downloads, file), root]);
  }
  const first = files.find((file) => file.startsWith(`${packages[0] ?? ''}_`)) ?? '';
  const [name = '', version = ''] = decodeURIComponent(first).split('_');
  return `${name} ${version}`;
}

/** Makes /bin, /lib and the like links into /usr, as on every Debian system. */
async function mergeUsr(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(join('usr', name), join(root, name));
  }
}

const indexes = new Map<string, Promise<string>>();

/** The configuration by which apt works on a suite; the machine's own package state stays untouched. */
function index(suite: string): Promise<string> {
  const known = indexes.get(suite) ?? fetchIndex(suite);
  indexes.set(suite, known);
  return known;
}

/** Removes the indexes fetched so far. */
export async function forgetIndexes(): Promise<void> {
  const fetched = await Promise.allSettled(indexes.values());
  indexes.clear();
  for (const result of fetched) {
    if (result.status === 'fulfilled') await rm(join(result.value, '..'), { recursive: true, force: true });
  }
}

async function fetchIndex(suite: string): Promise<string> {
  const state = await mkdtemp(join(tmpdir(), `apt-${suite}-`));
  const sources = join(state, 'sources.list');
  const status = join(state, 'status');
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(state, 'archives/partial'), { recursive: true });
  await writeFile(status, '');
  await writeFile(sources, `deb [signed-by=${KEYRING} target=Packages] ${await archive()} ${suite} main\n`);
  const settings = {
    'Dir::State': state,
    'Dir::State::status': status,
    'Dir::Cache': state,
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
  };
  const configuration = join(state, 'apt.conf');
  const lines = Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`);
  await writeFile(configuration, lines.join(''));
  await run('apt-get', ['-c', configuration, 'update', '-qq']);
  return configuration;
}

/** The address of the Debian archive in this machine's own package sources. */
async function archive(): Promise<string> {
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const targets = await run('apt-get', ['indextargets', '--format', format, 'Identifier: Packages']);
  const release = (await osRelease()).get('VERSION_CODENAME') ?? '';
  const releases = [release, 'stable', 'testing', 'unstable', 'sid'];
  for (const [address = '', suite = '', component] of targets.split('\n').map((line) => line.split(' '))) {
    if (component === 'main' && releases.includes(suite)) return address;
  }
  throw new Error('the package sources of this machine name no Debian archive');
}
