import { z } from 'zod';
import { count, seconds } from './setting-kinds.ts';

/** RFC 1123, section 2.1, as Kubernetes has it. */
const namespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be the name of a namespace');

/** Settings of upstreams that are found in Kubernetes. */
export const discoverySettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Whether Kubernetes Services with a label become upstreams, in addition to the setting upstreams',
      ),
    labelSelector: z
      .string()
      .trim()
      .min(1)
      .default('nexus-mcp.io/upstream=true')
      .describe('Label selector of these Services'),
    namespaces: z
      .array(namespace)
      .max(32)
      .default([])
      .describe(
        "Namespaces to look in, at most 32, and the pod's own only if it is one of them; empty for the pod's own",
      ),
    kubeconfig: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Path of a kubeconfig for the Kubernetes API; if unset, the ServiceAccount of the pod is used',
      ),
    resyncSeconds: z
      .number()
      .min(30)
      .max(120)
      .default(60)
      .describe('How often all Services are listed again. Changes in between arrive by a watch'),
    maxUpstreams: count
      .max(256)
      .default(32)
      .describe(
        'Most Services that become upstreams; the oldest come first. Upstreams of the setting upstreams are not counted',
      ),
    timeoutSeconds: seconds
      .optional()
      .describe('Deadline of calls of the tools of these upstreams; limits.toolTimeoutSeconds if unset'),
    maxConcurrency: count
      .optional()
      .describe(
        'Calls of one of these upstreams at a time, all its tools together; limits.toolConcurrency if unset',
      ),
  })
  .prefault({});
