import { existsSync } from 'node:fs';
import ts from 'typescript';
import { provideKubernetesTypes } from '../../scripts/kubernetes-types.ts';
import type { Manifest } from './helm.ts';

const FILE = '/objects.ts';
const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  lib: ['lib.es2022.d.ts'],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
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
  return problemsOf([...literals.keys()].join('\n')).map(
    ({ line, message }) => `${names[line] ?? ''}: ${message}`,
  );
}

/** Whether a kind is one of Kubernetes itself; `gateway.networking.k8s.io`, for one, is an addition. */
export const isOfKubernetes = ({ apiVersion }: Manifest): boolean =>
  !/^[^/]+\.[^/]+\//.test(apiVersion) || /^(networking|rbac\.authorization)\.k8s\.io\//.test(apiVersion);

interface Problem {
  readonly line: number;
  readonly message: string;
}

function problemsOf(literals: string): readonly Problem[] {
  const host = ts.createCompilerHost(OPTIONS);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === FILE ? ts.createSourceFile(path, literals, ts.ScriptTarget.ES2022) : read(path, ...rest);
  const program = ts.createProgram([FILE], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => ({
    line: file?.fileName === FILE ? file.getLineAndCharacterOfPosition(start).line : -1,
    message: ts.flattenDiagnosticMessageText(messageText, ' '),
  }));
}
