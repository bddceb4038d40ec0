import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getContainerRuntimeClient, Wait } from 'testcontainers';
import { at, type Manifest } from '../../chart/helm.ts';
import { TestContainer } from './container.ts';
import { serverImage } from './run.ts';

type Data = Readonly<Record<string, string>>;

/** What a pod of the cluster is given besides its manifest. */
export interface Cluster {
  /** ConfigMaps of the rendering, and whatever the operator made. */
  readonly manifests: readonly Manifest[];
  /** Secrets that the operator made, by name. */
  readonly secrets?: Readonly<Record<string, Data>>;
  /** Addresses of names that the cluster's DNS would know. */
  readonly names?: Readonly<Record<string, string>>;
}

interface PodSpec {
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly [ContainerSpec];
  readonly volumes?: readonly Volume[];
}

interface ContainerSpec {
  readonly args?: string[];
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: string[] };
  };
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string; readonly items: readonly { key: string; path: string }[] };
  readonly emptyDir?: { readonly sizeLimit: string };
}

/** A pod that runs. */
export interface RunningPod {
  readonly ip: string;
  /** Where a port of the container, by name, is reached from this machine. */
  readonly url: (port: string) => string;
  readonly exec: (command: string[]) => Promise<{ readonly exitCode: number; readonly stdout: string }>;
  /** SIGTERM, and SIGKILL when the grace period less the sleep before it has passed; resolves to the exit code. */
  readonly stop: () => Promise<number>;
}

/** Starts the pod of a template as a node would: user, limits, mounts, environment and probe, all by its manifest. */
export async function startPod(template: unknown, cluster: Cluster): Promise<RunningPod> {
  const spec = at<PodSpec>(template, 'spec');
  const [own] = spec.containers;
  const ports = own.ports ?? [];
  const portOf = (name: string): number => ports.find((port) => port.name === name)?.containerPort ?? 0;
  const { path = '/', port = '' } = own.readinessProbe?.httpGet ?? {};
  const container = containerOf(spec, cluster)
    .withExposedPorts(...ports.map(({ containerPort }) => containerPort))
    .withWaitStrategy(Wait.forHttp(path, portOf(port), { abortOnContainerExit: true }));
  const started = await container.start();
  const sleep = at<number | undefined>(own, 'lifecycle.preStop.sleep.seconds') ?? 0;
  return {
    ip: started.getIpAddress('bridge'),
    url: (name) => `http://${started.getHost()}:${started.getMappedPort(portOf(name))}`,
    exec: (command) => started.exec(command),
    async stop() {
      const client = await getContainerRuntimeClient();
      const running = client.container.getById(started.getId());
      await running.stop({ t: (spec.terminationGracePeriodSeconds ?? 30) - sleep });
      const { State } = await running.inspect();
      await started.stop();
      return State.ExitCode;
    },
  };
}

/**
 * Runs the pod of a template to its end.
 * @returns its exit code, and the lines it printed, of which the last may still be on their way
 */
export async function runPod(
  template: unknown,
  cluster: Cluster,
): Promise<{ readonly exitCode: number; readonly lines: readonly string[] }> {
  const container = containerOf(at<PodSpec>(template, 'spec'), cluster);
  const started = await container.withWaitStrategy(Wait.forLogMessage(/\S/)).start();
  const client = await getContainerRuntimeClient();
  const { StatusCode } = (await client.container.getById(started.getId()).wait()) as { StatusCode: number };
  await started.stop();
  return { exitCode: StatusCode, lines: container.lines };
}

function containerOf(
  { securityContext, containers, volumes = [] }: PodSpec,
  cluster: Cluster,
): TestContainer {
  const [own] = containers;
  const container = new TestContainer(serverImage());
  const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = own.securityContext;
  if (readOnlyRootFilesystem) container.withReadOnlyRoot();
  if (!allowPrivilegeEscalation) container.withSecurityOpt('no-new-privileges:true');
  const mounts = (own.volumeMounts ?? []).map(({ name, mountPath }) => ({
    mountPath,
    volume: volumes.find((volume) => volume.name === name),
  }));
  container
    .withUser(`${securityContext.runAsUser}:${securityContext.runAsGroup}`)
    .withDroppedCapabilities(...capabilities.drop)
    .withResourcesQuota({
      memory:
        Number.parseFloat(own.resources.limits.memory) /
        (own.resources.limits.memory.endsWith('Mi') ? 1024 : 1),
    })
    .withEnvironment(
      Object.fromEntries((own.env ?? []).map((variable) => [variable.name, valueOf(variable, cluster)])),
    )
    .withCommand(own.args ?? [])
    .withExtraHosts(Object.entries(cluster.names ?? {}).map(([host, ipAddress]) => ({ host, ipAddress })))
    .withTmpFs(
      Object.fromEntries(
        mounts.flatMap(({ mountPath, volume }) =>
          volume?.emptyDir
            ? [[mountPath, `rw,mode=1777,size=${volume.emptyDir.sizeLimit.replace('Mi', 'm')}`]]
            : [],
        ),
      ),
    )
    .withBindMounts(
      mounts.flatMap(({ mountPath, volume }) =>
        volume && !volume.emptyDir
          ? [{ source: directoryOf(volume, cluster), target: mountPath, mode: 'ro' }]
          : [],
      ),
    );
  return container;
}

/** What is known of a pod before it runs. Docker gives it an address later, and no other pod asks for this one. */
const FIELDS: Readonly<Record<string, string>> = { 'status.podIP': '127.0.0.1' };

function valueOf({ name, value, valueFrom }: EnvVar, { secrets = {} }: Cluster): string {
  const { secretKeyRef, fieldRef } = valueFrom ?? {};
  const text = fieldRef
    ? FIELDS[fieldRef.fieldPath]
    : secretKeyRef
      ? secrets[secretKeyRef.name]?.[secretKeyRef.key]
      : value;
  if (text === undefined) throw new Error(`${name} has no value`);
  return text;
}

/** A directory as the kubelet mounts ConfigMaps and Secrets: links into a directory that it can exchange at once. */
function directoryOf({ configMap, secret, name }: Volume, { manifests, secrets = {} }: Cluster): string {
  const files = configMap
    ? manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMap.name)?.[
        'data'
      ]
    : Object.fromEntries(
        (secret?.items ?? []).map(({ key, path }) => [path, secrets[secret?.secretName ?? '']?.[key]]),
      );
  const directory = mkdtempSync(join(tmpdir(), `volume-${name}-`));
  // Others may read it, as fsGroup lets the group in a cluster.
  chmodSync(directory, 0o755);
  mkdirSync(join(directory, '..2026_11_25'));
  symlinkSync('..2026_11_25', join(directory, '..data'));
  for (const [file, content] of Object.entries((files ?? {}) as Record<string, string | undefined>)) {
    if (content === undefined) throw new Error(`${name} has no ${file}`);
    writeFileSync(join(directory, '..2026_11_25', file), content);
    symlinkSync(join('..data', file), join(directory, file));
  }
  return directory;
}
