import { readFileSync } from 'node:fs';
import { DestinationRule } from '@kubernetes-models/istio/networking.istio.io/v1/DestinationRule';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { at, CHART, one, renderPlain as render, type Manifest, type Values } from './helm.ts';
import { schemaProblems } from './strict-schema.ts';

const RELEASE = { release: 'agents', namespace: 'prod' } as const;

async function rendered(gateway: string, helm: 'helm3' | 'helm4'): Promise<readonly Manifest[]> {
  const file = `${CHART}../../k8s/examples/session-affinity-${gateway}-values.yaml`;
  return render({ ...RELEASE, helm, values: parse(readFileSync(file, 'utf8')) as Values });
}

/** The part of a BackendTrafficPolicy of Envoy Gateway that says how pods are chosen; npm has no package of it. */
const loadBalancer = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'consistentHash'],
  properties: {
    type: { enum: ['ConsistentHash'] },
    consistentHash: {
      type: 'object',
      additionalProperties: false,
      required: ['type'],
      properties: { type: { enum: ['SourceIP'] } },
    },
  },
};

describe.each(['helm3', 'helm4'] as const)(
  'session affinity by the address of the client, with %s',
  (helm) => {
    it('behind Envoy Gateway is a policy of the route', async () => {
      const manifests = await rendered('envoy-gateway', helm);
      const route = one(manifests, 'HTTPRoute');
      const policy = one(manifests, 'BackendTrafficPolicy');
      expect(schemaProblems(route)).toEqual([]);
      expect(policy.metadata.namespace).toBe(route.metadata.namespace);
      const [group] = route.apiVersion.split('/');
      expect(at(policy, 'spec.targetRefs')).toEqual([{ group, kind: route.kind, name: route.metadata.name }]);
      expect(Object.keys(at<object>(policy, 'spec')).sort()).toEqual(['loadBalancer', 'targetRefs']);
      expect(new Ajv().validate(loadBalancer, at(policy, 'spec.loadBalancer'))).toBe(true);
    });

    it('behind Istio is a rule of the Service that the route leads to', async () => {
      const manifests = await rendered('istio', helm);
      const route = one(manifests, 'HTTPRoute');
      expect(schemaProblems(route)).toEqual([]);
      const rule = one(manifests, 'DestinationRule');
      expect(() => {
        DestinationRule.prototype.validate.call(rule);
      }).not.toThrow();
      const service = at<string>(route, 'spec.rules.0.backendRefs.0.name');
      expect(one(manifests, 'Service', service).metadata.namespace).toBe('prod');
      expect(rule['spec']).toEqual({
        host: `${service}.prod.svc.cluster.local`,
        trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true } } },
      });
    });
  },
);
