import { at, type Manifest } from './helm.ts';

/** A container as checks look at it. */
interface Container {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly resources?: {
    readonly requests?: Readonly<Record<string, unknown>>;
    readonly limits?: Readonly<Record<string, unknown>>;
  };
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
    readonly procMount?: string;
  };
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}
interface Probe {
  readonly httpGet: { readonly port: string | number };
}
interface Pod {
  readonly serviceAccountName?: string;
  readonly serviceAccount?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: { readonly runAsNonRoot?: boolean; readonly sysctls?: readonly unknown[] };
  readonly volumes?: readonly { readonly name: string; readonly hostPath?: unknown }[];
  readonly topologySpreadConstraints?: readonly unknown[];
  readonly affinity?: { readonly podAntiAffinity?: unknown };
  readonly containers: readonly Container[];
}

/** What a release consists of; containers are those of the chart, not those that the operator adds. */
interface Release {
  readonly manifests: readonly Manifest[];
  readonly pods: readonly { readonly owner: Manifest; readonly spec: Pod; readonly labels: Labels }[];
  readonly containers: readonly Container[];
}
type Labels = Readonly<Record<string, string>>;

const POD_TEMPLATES: Readonly<Record<string, string>> = {
  Deployment: 'spec.template',
  CronJob: 'spec.jobTemplate.spec.template',
};
const OURS = ['nexus-mcp', 'probe'];

function releaseOf(manifests: readonly Manifest[]): Release {
  const pods = manifests.flatMap((owner) => {
    const path = POD_TEMPLATES[owner.kind];
    if (owner.kind === 'Pod') return [{ owner, spec: at<Pod>(owner, 'spec'), labels: owner.metadata.labels }];
    if (path === undefined) return [];
    return [
      { owner, spec: at<Pod>(owner, `${path}.spec`), labels: at<Labels>(owner, `${path}.metadata.labels`) },
    ];
  });
  const containers = pods.flatMap(({ spec }) => spec.containers.filter(({ name }) => OURS.includes(name)));
  return { manifests, pods, containers };
}

const ofKind = ({ manifests }: Release, kind: string): readonly Manifest[] =>
  manifests.filter((manifest) => manifest.kind === kind);
const everyContainer =
  (holds: (container: Container) => boolean) =>
  ({ containers }: Release): boolean =>
    containers.every(holds);
const everyPod =
  (holds: (pod: Release['pods'][number], release: Release) => boolean) =>
  (release: Release): boolean =>
    release.pods.every((pod) => holds(pod, release));
const matches = (labels: Labels, selector: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);
const probesAtPorts = (probe: 'livenessProbe' | 'readinessProbe' | 'startupProbe') =>
  everyContainer(({ ports = [], ...container }) => {
    const port = container[probe]?.httpGet.port;
    return (
      port === undefined || ports.some(({ name, containerPort }) => port === name || port === containerPort)
    );
  });
const rulesOf = (
  release: Release,
): readonly { readonly resources?: readonly string[]; readonly verbs: readonly string[] }[] =>
  ['Role', 'ClusterRole'].flatMap((kind) =>
    ofKind(release, kind).flatMap((role) =>
      at<readonly { resources?: string[]; verbs: string[] }[]>(role, 'rules'),
    ),
  );

/** KubeLinter's checks, by its names for them (docs.kubelinter.io, "KubeLinter checks"). */
const CHECKS: Readonly<Record<string, (release: Release) => boolean>> = {
  'access-to-create-pods': (release) =>
    !rulesOf(release).some(
      ({ resources = [], verbs }) => resources.includes('pods') && verbs.includes('create'),
    ),
  'access-to-secrets': (release) =>
    !rulesOf(release).some(({ resources = [] }) => resources.includes('secrets')),
  'dangling-service': (release) =>
    ofKind(release, 'Service').every((service) =>
      release.pods.some(({ labels }) => matches(labels, at<Labels>(service, 'spec.selector'))),
    ),
  'dangling-networkpolicy': (release) =>
    ofKind(release, 'NetworkPolicy').every((policy) =>
      release.pods.some(({ labels }) => matches(labels, at<Labels>(policy, 'spec.podSelector.matchLabels'))),
    ),
  'dangling-horizontalpodautoscaler': (release) =>
    ofKind(release, 'HorizontalPodAutoscaler').every(
      (scaler) => at(scaler, 'spec.scaleTargetRef.name') === ofKind(release, 'Deployment')[0]?.metadata.name,
    ),
  'deprecated-service-account-field': everyPod(({ spec }) => spec.serviceAccount === undefined),
  'docker-sock': everyPod(({ spec: { volumes = [] } }) =>
    volumes.every(({ hostPath }) => hostPath === undefined),
  ),
  'drop-net-raw-capability': everyContainer(
    ({ securityContext }) => securityContext?.capabilities?.drop?.includes('ALL') === true,
  ),
  'duplicate-env-var': everyContainer(
    ({ env = [] }) => new Set(env.map(({ name }) => name)).size === env.length,
  ),
  'env-var-secret': everyContainer(({ env = [] }) =>
    env.every(({ name, value }) => value === undefined || !/secret|token|password/i.test(name)),
  ),
  'host-ipc': everyPod(({ spec }) => spec.hostIPC !== true),
  'host-network': everyPod(({ spec }) => spec.hostNetwork !== true),
  'host-pid': everyPod(({ spec }) => spec.hostPID !== true),
  'invalid-target-ports': (release) =>
    ofKind(release, 'Service').every((service) =>
      at<readonly { targetPort: string }[]>(service, 'spec.ports').every(({ targetPort }) =>
        /^[a-z0-9-]{1,15}$/.test(targetPort),
      ),
    ),
  'latest-tag': everyContainer(({ image }) => /(:(?!latest$)[\w.+-]+|@sha256:[0-9a-f]{64})$/.test(image)),
  'liveness-port': probesAtPorts('livenessProbe'),
  'readiness-port': probesAtPorts('readinessProbe'),
  'startup-port': probesAtPorts('startupProbe'),
  'mismatching-selector': everyPod(
    ({ owner, labels }) =>
      owner.kind !== 'Deployment' || matches(labels, at<Labels>(owner, 'spec.selector.matchLabels')),
  ),
  'no-anti-affinity': everyPod(
    ({ owner, spec }) =>
      owner.kind !== 'Deployment' ||
      at<number | undefined>(owner, 'spec.replicas') === 1 ||
      spec.affinity?.podAntiAffinity !== undefined ||
      (spec.topologySpreadConstraints ?? []).length > 0,
  ),
  'no-extensions-v1beta': ({ manifests }) =>
    manifests.every(({ apiVersion }) => !apiVersion.startsWith('extensions/')),
  'no-liveness-probe': everyContainer(
    ({ name, livenessProbe }) => name === 'probe' || livenessProbe !== undefined,
  ),
  'no-readiness-probe': everyContainer(
    ({ name, readinessProbe }) => name === 'probe' || readinessProbe !== undefined,
  ),
  'no-startup-probe': everyContainer(
    ({ name, startupProbe }) => name === 'probe' || startupProbe !== undefined,
  ),
  'no-read-only-root-fs': everyContainer(
    ({ securityContext }) => securityContext?.readOnlyRootFilesystem === true,
  ),
  'no-rolling-update-strategy': (release) =>
    ofKind(release, 'Deployment').every(
      (deployment) => at(deployment, 'spec.strategy.type') === 'RollingUpdate',
    ),
  'non-existent-service-account': everyPod(({ spec }, release) => {
    const created = ofKind(release, 'ServiceAccount').map(({ metadata }) => metadata.name);
    // One that the operator made is not part of the release.
    return (
      created.length === 0 ||
      spec.serviceAccountName === undefined ||
      created.includes(spec.serviceAccountName)
    );
  }),
  'pdb-max-unavailable': (release) =>
    ofKind(release, 'PodDisruptionBudget').every((budget) => at(budget, 'spec.maxUnavailable') !== 0),
  'pdb-unhealthy-pod-eviction-policy': (release) =>
    ofKind(release, 'PodDisruptionBudget').every(
      (budget) => at(budget, 'spec.unhealthyPodEvictionPolicy') !== undefined,
    ),
  'privilege-escalation-container': everyContainer(
    ({ securityContext }) => securityContext?.allowPrivilegeEscalation === false,
  ),
  'privileged-container': everyContainer(({ securityContext }) => securityContext?.privileged !== true),
  'privileged-ports': everyContainer(({ ports = [] }) =>
    ports.every(({ containerPort }) => containerPort > 1023),
  ),
  'run-as-non-root': everyPod(({ spec }) => spec.securityContext?.runAsNonRoot === true),
  'sensitive-host-mounts': everyPod(({ spec: { volumes = [] } }) =>
    volumes.every(({ hostPath }) => hostPath === undefined),
  ),
  'ssh-port': everyContainer(({ ports = [] }) => ports.every(({ containerPort }) => containerPort !== 22)),
  'unsafe-proc-mount': everyContainer(({ securityContext }) => securityContext?.procMount === undefined),
  'unsafe-sysctls': everyPod(({ spec }) => spec.securityContext?.sysctls === undefined),
  'unset-cpu-requirements': everyContainer(({ resources }) => resources?.requests?.['cpu'] !== undefined),
  'unset-memory-requirements': everyContainer(({ resources }) => resources?.limits?.['memory'] !== undefined),
  'use-namespace': ({ manifests }) =>
    manifests
      // Objects of the operator's own, in extraObjects, are theirs.
      .filter(({ metadata: { labels } }: { metadata: { labels?: Labels } }) => labels?.['helm.sh/chart'])
      .every(({ kind, metadata }) => kind.startsWith('Cluster') || metadata.namespace !== undefined),
  'wildcard-in-rules': (release) =>
    rulesOf(release).every(({ resources = [], verbs }) => ![...resources, ...verbs].includes('*')),
};

/** The names of the checks that the objects of a release do not pass. */
export function lint(manifests: readonly Manifest[]): readonly string[] {
  const release = releaseOf(manifests);
  return Object.keys(CHECKS).filter((name) => CHECKS[name]?.(release) !== true);
}
