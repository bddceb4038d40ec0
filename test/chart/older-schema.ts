import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { provideKubernetesTypes } from '../../scripts/kubernetes-types.ts';
import type { Manifest } from './helm.ts';

const run = promisify(execFile);
const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const FILE = 'objects.ts';
const PROJECT = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ['es2022'],
    target: 'es2022',
    module: 'nodenext',
  },
  files: [FILE],
};

/**
 * What an older version of the Kubernetes API has against objects, fields that it does not know included: each object
 * is compiled as a literal of its kind's type. Kinds that are not of Kubernetes itself are left out.
 */
export async function olderSchemaProblems(
  version: '1.28' | '1.30',
  manifests: readonly Manifest[],
): Promise<readonly string[]> {
  const { file, name } = (await provideKubernetesTypes())[version];
  // Many clusters of the matrix have the same objects.
  const literals = new Map<string, string>();
  for (const manifest of manifests.filter(isOfKubernetes)) {
    const { apiVersion, kind, metadata } = manifest;
    const path = file(apiVersion, kind);
    if (!existsSync(`${path}.d.ts`)) return [`${kind} ${metadata.name}: ${version} has no ${apiVersion}`];
    const type = `import(${JSON.stringify(`${path}.js`)}).${name(apiVersion, kind)}`;
    literals.set(`void (${JSON.stringify(manifest)} satisfies ${type});`, `${kind} ${metadata.name}`);
  }
  const names = [...literals.values()];
  const problems = await problemsOf([...literals.keys()].join('\n'));
  return problems.map(({ line, message }) => `${names[line - 1] ?? ''}: ${message}`);
}

/** Whether a kind is one of Kubernetes itself; `gateway.networking.k8s.io`, for one, is an addition. */
export const isOfKubernetes = ({ apiVersion }: Manifest): boolean =>
  !/^[^/]+\.[^/]+\//.test(apiVersion) || /^(networking|rbac\.authorization)\.k8s\.io\//.test(apiVersion);

interface Problem {
  /** Counted from one; 0 is none of the literals. */
  readonly line: number;
  readonly message: string;
}

async function problemsOf(literals: string): Promise<readonly Problem[]> {
  const directory = mkdtempSync(join(tmpdir(), 'objects-'));
  try {
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(PROJECT));
    writeFileSync(join(directory, FILE), literals);
    // What belongs to a problem follows it, indented.
    const problems = (await compile(directory)).split(/\n(?! )/).filter((problem) => problem !== '');
    return problems.map((problem) => {
      const [, line = 0, message = problem] = /^objects\.ts\((\d+),\d+\): error (.*)$/s.exec(problem) ?? [];
      return { line: Number(line), message };
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What the compiler says of a project, which is nothing when it has nothing against it. */
async function compile(cwd: string): Promise<string> {
  try {
    return (await run(process.execPath, [TSC, '--pretty', 'false'], { cwd })).stdout;
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (!stdout) throw error;
    return stdout;
  }
}
