// Each from its own file: a package's index loads hundreds of kinds.
import { HTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import { AlertmanagerConfig } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1alpha1/AlertmanagerConfig';
import { Ajv } from 'ajv';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { CronJob } from 'kubernetes-models/batch/v1/CronJob';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ClusterRole } from 'kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRole';
import { ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRoleBinding';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { grafanaDashboard } from './grafana-dashboard-schema.ts';
import type { Manifest } from './helm.ts';

interface Model {
  readonly apiVersion: string;
  readonly kind: string;
  readonly prototype: { readonly validate: () => void };
}

const MODELS: readonly Model[] = [
  ...[
    ConfigMap,
    Namespace,
    Pod,
    Secret,
    Service,
    ServiceAccount,
    Deployment,
    CronJob,
    Ingress,
    NetworkPolicy,
  ],
  ...[PodDisruptionBudget, HorizontalPodAutoscaler, Role, RoleBinding, ClusterRole, ClusterRoleBinding],
  ...[ServiceMonitor, PodMonitor, PrometheusRule, AlertmanagerConfig, ScaledObject, HTTPRoute],
];

const isGrafanaDashboard = new Ajv().compile(grafanaDashboard);

const checked = new WeakMap<Manifest, readonly string[]>();

/**
 * What the schema of an object's kind has against it, unknown fields included: the published validators pass over
 * those, so a field that they never look at is taken as unknown.
 */
export function schemaProblems(manifest: Manifest): readonly string[] {
  const problems = checked.get(manifest) ?? check(manifest);
  checked.set(manifest, problems);
  return problems;
}

function check(manifest: Manifest): readonly string[] {
  const name = `${manifest.kind} ${manifest.metadata.name}`;
  if (manifest.kind === 'GrafanaDashboard') {
    return isGrafanaDashboard(manifest)
      ? []
      : (isGrafanaDashboard.errors ?? []).map(
          ({ instancePath, message = '' }) => `${name}${instancePath}: ${message}`,
        );
  }
  const model = MODELS.find(
    ({ apiVersion, kind }) => apiVersion === manifest.apiVersion && kind === manifest.kind,
  );
  if (!model) return [`${name}: there is no schema of ${manifest.apiVersion}`];
  const unread = new Map<object, UnreadKeys>();
  try {
    model.prototype.validate.call(watched(manifest, '', unread));
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  }
  return [...unread.values()].flatMap(({ path, keys }) =>
    [...keys].map((key) => `${name}: ${path}/${key} is unknown`),
  );
}

interface UnreadKeys {
  readonly path: string;
  readonly keys: Set<string>;
}

/** A copy that notes which keys nobody has read. One that is enumerated is a map with keys of the user's. */
function watched(value: object, path: string, unread: Map<object, UnreadKeys>): object {
  const keys = new Set(Array.isArray(value) ? [] : Object.keys(value));
  unread.set(value, { path, keys });
  return new Proxy(value, {
    get(target, key, receiver) {
      const field: unknown = Reflect.get(target, key, receiver);
      if (typeof key === 'string') keys.delete(key);
      return typeof field === 'object' && field !== null
        ? watchedOnce(field, `${path}/${String(key)}`, unread)
        : field;
    },
    ownKeys(target) {
      keys.clear();
      return Reflect.ownKeys(target);
    },
  });
}

const proxies = new WeakMap<Map<object, UnreadKeys>, Map<object, object>>();

function watchedOnce(value: object, path: string, unread: Map<object, UnreadKeys>): object {
  const known = proxies.get(unread) ?? new Map<object, object>();
  proxies.set(unread, known);
  const proxy = known.get(value) ?? watched(value, path, unread);
  known.set(value, proxy);
  return proxy;
}
