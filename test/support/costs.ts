import { relative } from 'node:path';
import process from 'node:process';
import type { Reporter, TestModule } from 'vitest/node';

const SHOWN = 15;

/** Prints, after a run of several files, what the slowest of them cost, so that everybody sees it every time. */
export default class Costs implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length < 2) return;
    const costs = modules.map((module) => ({ name: nameOf(module), seconds: secondsOf(module) }));
    costs.sort((one, other) => other.seconds - one.seconds);
    const total = costs.reduce((sum, { seconds }) => sum + seconds, 0);
    const lines = [
      ...costs.slice(0, SHOWN),
      { name: `all ${costs.length} files, one after the other`, seconds: total },
    ].map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${name}`);
    process.stdout.write(['', ' What the slowest files cost:', ...lines, ''].join('\n'));
  }
}

const nameOf = ({ moduleId }: TestModule): string => relative(process.cwd(), moduleId);

/** Imports, hooks and tests. */
function secondsOf(module: TestModule): number {
  const { collectDuration, duration } = module.diagnostic();
  return (collectDuration + duration) / 1000;
}
