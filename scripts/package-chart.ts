/** Packages the chart into dist/, ready for a registry. Arguments go on to `helm package`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { provideKubernetesTools } from './kubernetes-tools.ts';

const root = join(import.meta.dirname, '..');
const { helm4 } = await provideKubernetesTools();
const names = [join(root, 'charts/nexus-mcp'), '--destination', join(root, 'dist')];
const { status, error } = spawnSync(helm4, ['package', ...names, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
if (error) throw error;
process.exitCode = status ?? 1;
