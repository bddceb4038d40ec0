import { z } from 'zod';
import {
  count,
  countOrShare,
  flag,
  list,
  object,
  objectName,
  quantity,
  removable,
  secretKey,
  text,
  textMap,
} from './fragments.ts';

/** What runs: image, pod, and what it is given. */

const probe = (what: string, periodSeconds: number, failureThreshold: number, initialDelaySeconds = 0) =>
  removable(
    z
      .strictObject({
        initialDelaySeconds: count.default(initialDelaySeconds).describe('Time before the first probe'),
        periodSeconds: z.int().min(1).default(periodSeconds).describe('Time between two probes'),
        timeoutSeconds: z.int().min(1).default(3).describe('Time an answer may take'),
        failureThreshold: z
          .int()
          .min(1)
          .default(failureThreshold)
          .describe('Failures in a row after which the probe has failed'),
      })
      .prefault({})
      .describe(what),
  );

const moduleFile = z
  .string()
  .regex(/^[\w.-]+\.(ts|mts|js|mjs)$/, 'must be a file name that ends in .ts, .mts, .js or .mjs');

export const workload = {
  nameOverride: text.max(63).default('').describe('Replaces the chart name in names and labels'),
  fullnameOverride: text.max(53).default('').describe('Replaces the whole name of all objects'),
  clusterDomain: text
    .min(1)
    .default('cluster.local')
    .describe(
      'DNS domain of the cluster, for the names that the server answers to, and the name by which pods find one another',
    ),
  commonLabels: textMap.default({}).describe('Labels of all objects'),
  commonAnnotations: textMap.default({}).describe('Annotations of all objects'),
  image: z
    .strictObject({
      registry: text
        .default('')
        .describe("Registry in front of the repository; empty for the cluster's default"),
      repository: text.min(1).default('nexus-mcp/nexus-mcp').describe('Repository of the image'),
      tag: text.default('').describe("Tag; empty for the chart's appVersion"),
      digest: z
        .string()
        .regex(/^$|^sha256:[a-f0-9]{64}$/, 'must be sha256: and 64 hexadecimal digits')
        .default('')
        .describe('Digest, sha256:…; overrides the tag'),
      pullPolicy: z
        .enum(['Always', 'IfNotPresent', 'Never'])
        .default('IfNotPresent')
        .describe('When to pull the image'),
      pullSecrets: z
        .array(z.strictObject({ name: objectName.min(1) }))
        .default([])
        .describe('Secrets for pulling: [{name}]'),
    })
    .prefault({})
    .describe('The image; helm test and the canary use it too'),
  replicas: count.default(1).describe('Number of pods; not used with autoscaling or keda'),
  auth: z
    .strictObject({
      tokensSecret: secretKey(
        'tokens.yaml',
        'A YAML list of bearer tokens, {name, token, tools?}; authentication is on if set',
      ),
      tokenSecret: secretKey('token', 'One bearer token that may use all tools; authentication is on if set'),
    })
    .prefault({})
    .describe('Who may call the tools. Values name Secrets and never contain any'),
  stateKeySecret: secretKey(
    'state-key',
    'A key of at least 32 random bytes that encrypts session ids and the state of input requests; for rotation two keys, each on a line. With a key any pod serves any session, and sessions outlive restarts and rollouts. Several replicas need it',
  ),
  toolModules: z
    .strictObject({
      files: z
        .record(
          z
            .string()
            .regex(
              /^[\w.-]+\.(ts|mts|js|mjs|json|yaml|yml|csv)$/,
              'must be a file name that ends in .ts, .mts, .js or .mjs, or for data in .json, .yaml, .yml or .csv',
            ),
          z.string(),
        )
        .default({})
        .describe(
          "Modules by file name, each with its source, and data files, which lie beside them in /etc/nexus-mcp/tools, as do files that modules import, whose names begin with _; --set-file 'toolModules.files.weather\\.ts=weather.ts'",
        ),
      configMaps: z
        .array(z.strictObject({ name: objectName.min(1), files: z.array(moduleFile).min(1) }))
        .default([])
        .describe(
          'ConfigMaps that hold modules, and which of their keys are modules: [{name, files}]. All keys lie in /etc/nexus-mcp/tools-NAME. When one changes, restart the pods',
        ),
    })
    .prefault({})
    .describe('Tool modules of your own; they are mounted and enabled'),
  extraEnv: z
    .array(z.strictObject({ name: text.min(1), value: z.string().optional(), valueFrom: object.optional() }))
    .default([])
    .describe('Environment variables; they replace those of the chart with the same name'),
  extraEnvFrom: list.default([]).describe('Sources of environment variables'),
  extraVolumes: list.default([]).describe('Volumes; they replace those of the chart with the same name'),
  extraVolumeMounts: list.default([]).describe('Mounts; they replace those of the chart at the same path'),
  initContainers: list.default([]).describe('Containers that run before the server'),
  extraContainers: list.default([]).describe('Containers that run beside the server'),
  resources: removable(
    z
      .strictObject({
        requests: removable(
          z
            .record(z.string(), quantity)
            .default({ cpu: '100m', memory: '256Mi', 'ephemeral-storage': '128Mi' })
            .describe('What is reserved for the pod'),
        ),
        limits: removable(
          z
            .record(z.string(), quantity)
            .default({ memory: '1Gi' })
            .describe('What the pod may use at most. A CPU limit would only make calls slow'),
        ),
        claims: list
          .default([])
          .describe('Resource claims of the container, by their names in resourceClaims'),
      })
      .prefault({})
      .describe('Resources of the server'),
  ),
  heapPercent: z
    .int()
    .min(10)
    .max(95)
    .default(75)
    .describe(
      'Percent of the memory limit for heaps: first those of the worker threads (config.workers), the rest for --max-old-space-size',
    ),
  tmpSizeLimit: quantity.default('64Mi').describe('Size of /tmp, the only writable directory'),
  podSecurityContext: removable(
    object
      .default({
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        fsGroup: 65532,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      .describe('Security context of the pod; the default meets the restricted Pod Security Standard'),
  ),
  securityContext: removable(
    object
      .default({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        readOnlyRootFilesystem: true,
      })
      .describe('Security context of the container'),
  ),
  serviceAccount: z
    .strictObject({
      create: flag.default(true).describe('Whether to create an account'),
      name: text
        .default('')
        .describe('Name of the account; empty for the full name, or for default if none is created'),
      annotations: textMap.default({}).describe('Annotations of the account'),
    })
    .prefault({})
    .describe('The account. Its token is not mounted unless rbac.profile or config.discovery asks for it'),
  rbac: z
    .strictObject({
      profile: z
        .enum(['none', 'readonly', 'custom'])
        .default('none')
        .describe(
          'What tools of your own may do in the cluster: nothing (none), read workloads, events and logs but no Secrets (readonly), or rules (custom). Mounts a token unless none',
        ),
      rules: list.default([]).describe('Rules of the custom profile'),
      clusterWide: flag.default(false).describe('Whether the rights are for all namespaces'),
      namespaces: z
        .array(text.min(1))
        .default([])
        .describe("Namespaces that the rights are for; empty for the release's own"),
    })
    .prefault({})
    .describe(
      'Access to the Kubernetes API for tools of your own. The chart adds the right to list and watch Services if config.discovery is enabled',
    ),
  probes: z
    .strictObject({
      // A probe that comes before the server listens is an event of type Warning.
      startup: probe('Startup probe', 2, 30, 3),
      liveness: probe('Liveness probe; if it fails, the container is restarted', 10, 6),
      readiness: probe(
        'Readiness probe; if it fails, the pod gets no new connections from the Service',
        5,
        3,
      ),
    })
    .prefault({})
    .describe('Probes, on the operations port'),
  preStopSleepSeconds: z
    .int()
    .min(0)
    .max(300)
    .default(5)
    .describe(
      'Seconds between the decision to end a pod and SIGTERM, in which the cluster stops sending it connections',
    ),
  terminationGracePeriodSeconds: z
    .int()
    .min(1)
    .default(45)
    .describe(
      'Time a pod has to end. It must be at least preStopSleepSeconds plus config.shutdown.deadlineSeconds plus 5 s, which is checked',
    ),
  minReadySeconds: count.default(5).describe('Time a new pod must be ready before the next is replaced'),
  revisionHistoryLimit: count.default(5).describe('Old ReplicaSets to keep'),
  progressDeadlineSeconds: z
    .int()
    .min(1)
    .default(600)
    .describe('Seconds after which a rollout counts as failed'),
  strategy: object
    .default({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } })
    .describe('How pods are replaced'),
  deploymentAnnotations: textMap.default({}).describe('Annotations of the Deployment'),
  podAnnotations: textMap.default({}).describe('Annotations of pods'),
  podLabels: textMap.default({}).describe('Labels of pods'),
  nodeSelector: textMap.default({}).describe('Labels that nodes must have'),
  tolerations: list.default([]).describe('Tolerations of taints'),
  affinity: object.default({}).describe('Affinity'),
  topologySpread: z
    .enum(['soft', 'hard', 'none'])
    .default('soft')
    .describe(
      'Whether pods are spread over nodes and zones: if possible (soft), always (hard), or not (none). With hard, pods stay Pending on nodes without the label topology.kubernetes.io/zone',
    ),
  topologySpreadConstraints: list
    .default([])
    .describe('Constraints of your own, instead of topologySpread; each needs its labelSelector'),
  priorityClassName: text.default('').describe('Priority class'),
  resourceClaims: list.default([]).describe('Resource claims of the pod'),
  runtimeClassName: text.default('').describe('Runtime class'),
  schedulerName: text.default('').describe('Scheduler'),
  hostAliases: list.default([]).describe('Entries of /etc/hosts'),
  dnsPolicy: text.default('').describe('DNS policy'),
  dnsConfig: object.default({}).describe('DNS configuration'),
  podDisruptionBudget: z
    .strictObject({
      enabled: flag.default(true).describe('Whether to create one, if there can be more than one pod'),
      minAvailable: countOrShare
        .optional()
        .describe(
          'Pods that must stay; instead of maxUnavailable. Where another values file has set maxUnavailable, set that to null',
        ),
      maxUnavailable: countOrShare
        .optional()
        .describe(
          'Pods that may be missing at a time; 1 if neither is set. Where another values file has set minAvailable, set that to null',
        ),
      unhealthyPodEvictionPolicy: z
        .enum(['AlwaysAllow', 'IfHealthyBudget'])
        .default('AlwaysAllow')
        .describe('Whether pods that are not ready may always be evicted'),
    })
    .prefault({})
    .describe('A PodDisruptionBudget: how many pods a drain of nodes may evict at a time'),
};
