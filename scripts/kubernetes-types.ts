import { join } from 'node:path';
import { cachedPackages } from './cached-packages.ts';

const SOURCE = join(import.meta.dirname, 'kubernetes-types');

/** Where the types of a version of the Kubernetes API are. */
interface KubernetesTypes {
  /** The file that declares a kind, without its ending. */
  readonly file: (apiVersion: string, kind: string) => string;
  /** What the type of a kind is called there. */
  readonly name: (apiVersion: string, kind: string) => string;
}

/** Types of the API of older versions of Kubernetes, from npm, once a machine. */
export async function provideKubernetesTypes(): Promise<Readonly<Record<'1.28' | '1.30', KubernetesTypes>>> {
  const directory = await cachedPackages(SOURCE);
  const client = (apiVersion: string, kind: string) => `${capital(version(apiVersion))}${kind}`;
  return {
    '1.28': {
      file: (apiVersion, kind) =>
        join(directory, 'node_modules/kubernetes-1.28/dist/gen/model', `${version(apiVersion)}${kind}`),
      name: client,
    },
    '1.30': {
      file: (apiVersion) =>
        join(directory, 'node_modules/kubernetes-1.30', group(apiVersion), version(apiVersion)),
      name: (_apiVersion, kind) => kind,
    },
  };
}

const version = (apiVersion: string): string => apiVersion.split('/').at(-1) ?? '';
/** The first part of an API group's name, as in `networking.k8s.io/v1`. */
const group = (apiVersion: string): string =>
  apiVersion.includes('/') ? (apiVersion.split(/[./]/)[0] ?? '') : 'core';
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
