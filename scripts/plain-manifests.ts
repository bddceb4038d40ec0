import { isMap, parseAllDocuments, type Document, type YAMLMap } from 'yaml';
import { provideKubernetesTools } from './kubernetes-tools.ts';
import { run } from './stand-in-images/run.ts';

const NAME = 'nexus-mcp';
const NOTICE = '# Generated from charts/nexus-mcp by make generate; do not edit.\n';

const CONFIG_VOLUME = ['spec', 'template', 'spec', 'volumes', 0];

/** Where objects go, by kind. What is not here needs Helm, such as its test. */
const FILES: Readonly<Record<string, string>> = {
  ServiceAccount: 'k8s/serviceaccount.yaml',
  Service: 'k8s/services.yaml',
  Deployment: 'k8s/deployment.yaml',
  ServiceMonitor: 'k8s/monitoring/servicemonitor.yaml',
  PrometheusRule: 'k8s/monitoring/prometheusrule.yaml',
};

/** The chart's objects for people without Helm: what it renders without values, as files by path. */
export async function plainManifests(): Promise<Readonly<Record<string, string>>> {
  const { helm4 } = await provideKubernetesTools();
  const text = await run(helm4, [
    ...['template', NAME, 'charts/nexus-mcp', '--namespace', NAME],
    ...['--set', 'monitoring.monitor.enabled=true', '--set', 'monitoring.rules.enabled=true'],
    ...['--set', 'monitoring.dashboards.enabled=false', '--set', 'monitoring.scrapeAnnotations=true'],
    ...['--kube-version', '1.33.0'],
  ]);
  const files: Record<string, string> = {};
  for (const document of parseAllDocuments(text) as Document.Parsed[]) {
    const kind = String(document.get('kind'));
    if (kind === 'ConfigMap')
      files['k8s/nexus.yaml'] = NOTICE + String(document.getIn(['data', 'nexus.yaml']));
    const path = FILES[kind];
    if (path === undefined) continue;
    withoutHelm(document);
    // Kustomize makes it of nexus.yaml, and puts a hash of its own behind its name.
    if (kind === 'Deployment') document.setIn([...CONFIG_VOLUME, 'configMap', 'name'], NAME);
    const written = document.toString({ lineWidth: 0 }).replace(/^---\n/, '');
    files[path] = path in files ? `${files[path] ?? ''}---\n${written}` : NOTICE + written;
  }
  return files;
}

/** Drops the labels that Helm looks for, and its comments. */
function withoutHelm(document: Document.Parsed): void {
  document.commentBefore = null;
  if (isMap(document.contents)) document.contents.commentBefore = null;
  const labels = document.getIn(['metadata', 'labels']) as YAMLMap;
  labels.delete('helm.sh/chart');
  labels.delete('app.kubernetes.io/managed-by');
}
