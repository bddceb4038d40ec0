import { expect, it } from 'vitest';
import { renderPlain, type Values } from './helm.ts';
import { lint } from './kube-linter.ts';
import { merged } from './merged.ts';

/** Values that break checks, each one of its own. */
const BREAKING: Readonly<Record<string, Values>> = {
  'run-as-non-root': { podSecurityContext: { runAsNonRoot: false } },
  'no-read-only-root-fs': { securityContext: { readOnlyRootFilesystem: false } },
  'privilege-escalation-container': { securityContext: { allowPrivilegeEscalation: true } },
  'drop-net-raw-capability': { securityContext: { capabilities: { drop: ['CHOWN'] } } },
  'latest-tag': { image: { tag: 'latest' } },
  'unset-cpu-requirements': { resources: { requests: { cpu: null } } },
  'unset-memory-requirements': { resources: { limits: { memory: null } } },
  'no-anti-affinity': { replicas: 3, topologySpread: 'none' },
  // The chart refuses it of its own.
  'pdb-max-unavailable': {
    extraObjects: [
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'more', namespace: 'tools' },
        spec: { maxUnavailable: 0, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      },
    ],
  },
  'no-rolling-update-strategy': { strategy: { type: 'Recreate', rollingUpdate: null } },
  'env-var-secret': { extraEnv: [{ name: 'DATABASE_PASSWORD', value: 'x' }] },
  'access-to-secrets': {
    rbac: { profile: 'custom', rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] },
  },
  'wildcard-in-rules': {
    rbac: { profile: 'custom', rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }] },
  },
};

it('each check sees values that break it, and no other does', async () => {
  const manifests = await renderPlain({ values: merged(Object.values(BREAKING)) });
  expect(lint(manifests).toSorted()).toEqual(Object.keys(BREAKING).toSorted());
});
