import { readdirSync } from 'node:fs';
import { CHART, render, type Manifest, type RenderOptions } from './helm.ts';

/** A version of Kubernetes, with Prometheus Operator or without. */
export interface Cluster {
  readonly kubeVersion: string;
  readonly operator: boolean;
}

/** Of the version whose schemas kubernetes-models has. */
export const NEWEST: Cluster = { kubeVersion: '1.36.0', operator: true };
/** Of versions whose schemas provideKubernetesTypes brings; what the Operator's own objects are does not depend on them. */
export const OLDER: Readonly<Record<'1.28' | '1.30', Cluster>> = {
  '1.28': { kubeVersion: '1.28.0', operator: false },
  '1.30': { kubeVersion: '1.30.0', operator: false },
};

/** Values that people have, in the chart's `ci/`. */
export const VALUES_FILES = readdirSync(`${CHART}ci`).filter((name) => name.endsWith('-values.yaml'));

/** The objects that a cluster gets by a file of values. */
export const renderOn = (
  cluster: Cluster,
  file: string,
  helm: RenderOptions['helm'] = 'helm4',
): Promise<readonly Manifest[]> =>
  render({ ...cluster, helm, valuesFiles: [file], release: 'agents', namespace: 'tools' });
