import { z } from 'zod';
import { count, seconds } from './setting-kinds.ts';

/** RFC 1123, section 2.1, as Kubernetes has it. */
const namespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be the name of a namespace');

/** Of upstreams that are found in Kubernetes. */
export const discoverySettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Whether Services of Kubernetes with a label become upstreams, besides those of upstreams'),
    labelSelector: z
      .string()
      .trim()
      .min(1)
      .default('nexus-mcp.io/upstream=true')
      .describe('Which Services, by their labels'),
    namespaces: z
      .array(namespace)
      .max(32)
      .default([])
      .describe("In which namespaces, at most 32; empty for the pod's own"),
    kubeconfig: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File that says where the Kubernetes API is and who asks it; if unset, as pods are told by their ServiceAccount',
      ),
    resyncSeconds: z
      .number()
      .min(30)
      .max(120)
      .default(60)
      .describe('Time after which all of them are listed anew, whatever was heard of changes'),
    maxUpstreams: count
      .max(256)
      .default(32)
      .describe('Most upstreams that are found, besides those of upstreams; the oldest Services win'),
    timeoutSeconds: seconds
      .optional()
      .describe('Deadline of a call of their tools; limits.toolTimeoutSeconds if unset'),
    maxConcurrency: count
      .optional()
      .describe('Calls of each at a time, all its tools together; limits.toolConcurrency if unset'),
  })
  .prefault({});
