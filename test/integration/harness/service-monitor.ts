import { stringify } from 'yaml';
import { at, type Manifest } from '../../chart/helm.ts';

interface Endpoint {
  readonly port: string;
  readonly path: string;
  readonly scheme?: string;
  readonly interval: string;
  readonly scrapeTimeout: string;
  readonly honorLabels?: boolean;
  readonly relabelings?: readonly Relabeling[];
  readonly metricRelabelings?: readonly Relabeling[];
}

interface Relabeling {
  readonly sourceLabels?: readonly string[];
  readonly targetLabel?: string;
  readonly action?: string;
  readonly regex?: string;
  readonly replacement?: string;
}

type Labels = Readonly<Record<string, string>>;

/** Whether the labels have all that a selector wants. */
const matches = (selector: Labels, labels: Labels): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

/**
 * The scrape configuration that Prometheus Operator would write for the monitors of a rendering, with the addresses of
 * pods in place of discovery: only pods that the monitor's selector and the Service's come to, at the port they name.
 * @param ip the address of a pod of the rendering's Deployment
 */
export function scrapeConfigs(manifests: readonly Manifest[], ip: string): string {
  const monitors = manifests.filter(({ kind }) => kind === 'ServiceMonitor' || kind === 'PodMonitor');
  return stringify(monitors.map((monitor) => scrapeConfig(monitor, manifests, ip)));
}

function scrapeConfig(monitor: Manifest, manifests: readonly Manifest[], ip: string): unknown {
  const byService = monitor.kind === 'ServiceMonitor';
  const [endpoint] = at<readonly [Endpoint]>(
    monitor,
    byService ? 'spec.endpoints' : 'spec.podMetricsEndpoints',
  );
  const pod = at<Manifest>(
    manifests.find(({ kind }) => kind === 'Deployment'),
    'spec.template',
  );
  const namespaces = at<readonly string[]>(monitor, 'spec.namespaceSelector.matchNames');
  const selector = at<Labels>(monitor, 'spec.selector.matchLabels');
  const found = byService
    ? throughServices(manifests, selector, namespaces, endpoint.port, pod)
    : directly(selector, pod, endpoint.port);
  const ports = at<readonly { name: string; containerPort: number }[]>(pod, 'spec.containers.0.ports');
  return {
    job_name: `${monitor.kind}/${monitor.metadata.namespace ?? ''}/${monitor.metadata.name}/0`,
    honor_labels: endpoint.honorLabels,
    scrape_interval: endpoint.interval,
    scrape_timeout: endpoint.scrapeTimeout,
    metrics_path: endpoint.path,
    scheme: endpoint.scheme,
    sample_limit: at<number>(monitor, 'spec.sampleLimit'),
    label_value_length_limit: at<number>(monitor, 'spec.labelValueLengthLimit'),
    static_configs: found.map(({ port, labels }) => ({
      targets: [`${ip}:${ports.find(({ name }) => name === port)?.containerPort ?? 0}`],
      labels: { namespace: namespaces[0], ...labels },
    })),
    relabel_configs: (endpoint.relabelings ?? []).map(relabelConfig),
    metric_relabel_configs: (endpoint.metricRelabelings ?? []).map(relabelConfig),
  };
}

interface Found {
  /** The name of the container's port. */
  readonly port: string;
  readonly labels: Labels;
}

function throughServices(
  manifests: readonly Manifest[],
  selector: Labels,
  namespaces: readonly string[],
  port: string,
  pod: Manifest,
): readonly Found[] {
  return manifests
    .filter(({ kind, metadata }) => kind === 'Service' && namespaces.includes(metadata.namespace ?? ''))
    .filter(({ metadata }) => matches(selector, metadata.labels))
    .filter((service) => matches(at<Labels>(service, 'spec.selector'), pod.metadata.labels))
    .flatMap((service) =>
      at<readonly { name: string; targetPort: string }[]>(service, 'spec.ports')
        .filter(({ name }) => name === port)
        .map(({ targetPort }) => ({
          port: targetPort,
          labels: { service: service.metadata.name, job: service.metadata.name },
        })),
    );
}

const directly = (selector: Labels, pod: Manifest, port: string): readonly Found[] =>
  matches(selector, pod.metadata.labels) ? [{ port, labels: {} }] : [];

const relabelConfig = ({ sourceLabels, targetLabel, action, regex, replacement }: Relabeling): unknown => ({
  ...(sourceLabels && { source_labels: sourceLabels }),
  ...(targetLabel !== undefined && { target_label: targetLabel }),
  ...(action !== undefined && { action }),
  ...(regex !== undefined && { regex }),
  ...(replacement !== undefined && { replacement }),
});
