import type { TestProject } from 'vitest/node';
import { one, render } from '../chart/helm.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, deleteNamespaces, kinds, kubectl, makeNamespace, objects } from './cluster.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The image that the chart names. */
    readonly image: string;
    /** `kind.group` of all kinds that the cluster has. */
    readonly kinds: readonly string[];
  }
}

/** Finds out whether there is a cluster, and whether it has the image; says what to do where not. */
export default async function setup({ provide }: TestProject): Promise<void> {
  await kubectl(['version', '--request-timeout=10s']).catch((error: unknown) => {
    refuse(
      `No cluster answers. These tests need one, named by KUBECONFIG or ~/.kube/config; sh scripts/kind-cluster.sh makes one with kind.\n${String(error)}`,
    );
  });
  const image = await imageOfChart();
  await tryImage(image);
  provide('image', image);
  provide('kinds', [...(await kinds())]);
}

/** What is wrong is not in the code: a stack would only hide it. */
function refuse(reason: string): never {
  const error = new Error(reason);
  error.stack = reason;
  throw error;
}

async function imageOfChart(): Promise<string> {
  const deployment = one(await render(), 'Deployment') as unknown as {
    readonly spec: {
      readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
    };
  };
  return deployment.spec.template.spec.containers[0]?.image ?? '';
}

interface PodStatus {
  readonly phase: string;
  readonly containerStatuses?: readonly {
    readonly state: { readonly waiting?: { readonly reason: string } };
  }[];
}

/** Throws when the cluster cannot run the image. */
async function tryImage(image: string): Promise<void> {
  const namespace = await makeNamespace('image');
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  await apply(namespace, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'image' },
    spec: {
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        { name: 'image', image, imagePullPolicy: 'IfNotPresent', args: ['--version'], securityContext },
      ],
    },
  });
  try {
    for (;;) {
      const [pod] = await objects(['pod', 'image', '-n', namespace]);
      const { phase, containerStatuses: [container] = [] } = pod?.status as PodStatus;
      if (phase === 'Succeeded') return;
      const reason = container?.state.waiting?.reason ?? '';
      if (phase === 'Failed' || /^(?:ErrImage|ImagePull|InvalidImage)/.test(reason)) {
        refuse(
          `The cluster cannot run ${image}: ${reason || phase}. Build it (make image IMAGE=${image}) and load it.`,
        );
      }
      await sleep(500);
    }
  } finally {
    await deleteNamespaces();
  }
}
