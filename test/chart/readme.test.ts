import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import {
  at,
  CHART,
  complaints,
  mounted,
  one,
  render,
  renderPlain,
  template,
  type Manifest,
  type Values,
} from './helm.ts';
import { waitUntil } from '../support/wait.ts';
import { schemaProblems } from './strict-schema.ts';

const PROJECT = new URL('../../', import.meta.url).pathname;
const README = readFileSync(`${CHART}README.md`, 'utf8');
const questions = [...README.matchAll(/^### … (.+)$/gm)].map(([, question]) => question);
const allBlocks = [...README.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => text);
const ofPrometheus = allBlocks.filter((text) => text.includes('relabel_configs'));
const blocks = allBlocks.filter((text) => !ofPrometheus.includes(text));

interface Relabeling {
  readonly action?: 'keep';
  readonly source_labels: readonly string[];
  readonly regex?: string;
  readonly target_label?: string;
  readonly replacement?: string;
}

interface Job {
  readonly job_name: string;
  readonly relabel_configs: readonly Relabeling[];
}

interface PrometheusConfig {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly [Job];
}

type Labels = Readonly<Record<string, string>>;

/** The targets that a Prometheus finds: each port of each container of each pod. */
const targetsOf = (manifests: readonly Manifest[]): readonly Labels[] =>
  manifests.flatMap((manifest) => {
    const pod = manifest.kind === 'Deployment' ? at<Values>(manifest, 'spec.template') : manifest;
    if (!['Deployment', 'Pod'].includes(manifest.kind)) return [];
    const containers = at<Values[]>(pod, 'spec.containers');
    const ports = containers.flatMap(({ ports = [{}] }) => ports as { readonly name?: string }[]);
    const labels = Object.entries(at<Labels>(pod, 'metadata.labels'));
    return ports.map(({ name = '' }) => ({
      ...Object.fromEntries(
        labels.map(([label, value]) => [
          `__meta_kubernetes_pod_label_${label.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`,
          value,
        ]),
      ),
      __meta_kubernetes_namespace: manifest.metadata.namespace ?? '',
      __meta_kubernetes_pod_name: manifest.metadata.name,
      __meta_kubernetes_pod_container_port_name: name,
    }));
  });

/** As Prometheus relabels a target, without what begins with two underscores; nothing if it is dropped. */
function relabeled(target: Labels, rules: readonly Relabeling[]): readonly Labels[] {
  let labels = target;
  for (const { action, source_labels, regex = '(.*)', target_label = '', replacement = '$1' } of rules) {
    const source = source_labels.map((name) => labels[name] ?? '').join(';');
    const match = new RegExp(`^(?:${regex})$`).exec(source);
    if (action === 'keep' && !match) return [];
    if (action === undefined && match)
      labels = { ...labels, [target_label]: replacement.replace('$1', match[1] ?? '') };
  }
  return [Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith('__')))];
}

describe("the chart's README", () => {
  it('answers what people ask', () => {
    expect(questions.length).toBeGreaterThanOrEqual(10);
  });

  it.each(blocks)('shows values that the chart takes: %s', async (text) => {
    const shown = parse(text) as Values;
    // Argo CD and Flux have them in an object of their own.
    const [argo, flux] = ['spec.source.helm.valuesObject', 'spec.values'].map((path) =>
      at<Values | undefined>(shown, path),
    );
    const values = argo ?? flux ?? shown;
    const manifests = await render({ values });
    // The schema of an AlertmanagerConfig leaves open what child routes are.
    const problems = manifests
      .flatMap(schemaProblems)
      .filter((problem) => !problem.includes('/route/routes/'));
    expect(problems).toEqual([]);
  });

  it('shows jobs of a Prometheus without the Operator whose targets are the pods alone, as the rules want them', async () => {
    const [own = '', atEnd = ''] = ofPrometheus;
    const { rule_files, scrape_configs } = parse(own) as PrometheusConfig;
    const [job] = scrape_configs;
    expect(rule_files).toEqual(['nexus-mcp.rules.yaml']);
    const manifests = await renderPlain({ release: 'agents' });
    const targets = [...targetsOf(manifests), ...targetsOf(await renderPlain({ release: 'nexus-mcp' }))];
    const found = targets.flatMap((target) =>
      relabeled({ job: job.job_name, ...target }, job.relabel_configs),
    );
    expect(found).toEqual(
      ['agents-nexus-mcp', 'nexus-mcp'].map((pod) => ({ job: 'nexus-mcp', namespace: 'tools', pod })),
    );
    const { relabel_configs } = parse(atEnd) as Job;
    const metrics = targets.filter(
      (target) => target['__meta_kubernetes_pod_container_port_name'] === 'metrics',
    );
    const stranger = { __meta_kubernetes_pod_label_app_kubernetes_io_name: 'redis' };
    const jobs = [...metrics, stranger].flatMap((target) =>
      relabeled({ job: 'kubernetes-pods', ...target }, relabel_configs),
    );
    expect(jobs).toEqual([...found, { job: 'kubernetes-pods', namespace: '', pod: '' }]);
    const { selector } = parametersSchema.parse({});
    expect(selector).toBe('job=~".*nexus-mcp.*"');
  });

  it("shows lines of Helm's own as Helm writes them", async () => {
    const rows = [...README.matchAll(/^\| `(at '.*?)` +\| `(.*?)` +\|/gm)];
    expect(rows).toHaveLength(4);
    const values = {
      replica: 2,
      podLabels: null,
      replicas: 'two',
      alerts: { NexusMCPOutage: { threshold: 10 } },
    };
    for (const [helm, column] of [
      ['helm4', 1],
      ['helm3', 2],
    ] as const) {
      const shown = rows.map((row) => `- ${row[column] ?? ''}`);
      const told = await complaints({ values, helm, operator: false });
      expect(told.toSorted()).toEqual(shown.toSorted());
    }
  });

  it('shows how a configuration is tried, by which the server tells what the chart cannot see', async () => {
    const [, shown = ''] = /--show-only (\S+) \|/.exec(README) ?? [];
    const [, command = ''] = /exec -i deploy\/nexus-mcp -- node dist\/main\.js (check .+)/.exec(README) ?? [];
    expect(shown).not.toBe('');
    const values = { config: { ops: { port: 9998 }, tools: { disabled: ['nobody'] } } };
    const args = ['--show-only', shown];
    const [map] = await renderPlain({ values, args });
    // yq would print a line for each further document, and check takes no more than one.
    const toolModules = { files: { 'weather.ts': '' } };
    expect(await renderPlain({ values: { ...values, toolModules }, args })).toHaveLength(1);
    const file = join(mkdtempSync(join(tmpdir(), 'check-')), 'nexus.yaml');
    writeFileSync(file, at<Record<string, string>>(map, 'data')['nexus.yaml'] ?? '');
    // A pipe, as kubectl and docker have: what Node itself makes for a child cannot be opened as a file.
    const tried = spawn('sh', ['-c', `cat ${file} | '${process.execPath}' src/main.ts ${command}`], {
      cwd: PROJECT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let told = '';
    tried.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    expect(await once(tried, 'close')).toEqual([2, null]);
    expect(told).toMatch(/tools\.disabled \(from .*\): there is no tool or toolset nobody/);
  });

  it('shows how a file becomes a tool module', async () => {
    const [flag = ''] = /--set-file '[^']+'/.exec(README) ?? [];
    const [name = '', file = ''] = flag.replace(/^--set-file '(.*)'$/, '$1').split('=');
    expect(file).toBe('weather.ts');
    const manifests = await renderPlain({ args: ['--set-file', `${name}=${CHART}Chart.yaml`] });
    expect(Object.keys(mounted(manifests, 'tools'))).toEqual(['weather.ts']);
  });

  it('and the page on tools show how the variables of a module get in', async () => {
    const page = readFileSync(join(PROJECT, 'docs/writing-tools.md'), 'utf8');
    const [, set = ''] = /--set '(extraEnvFrom[^']+)'/.exec(page) ?? [];
    const shown = parse(blocks.find((text) => text.includes('extraEnvFrom')) ?? '') as Values;
    const deployments = [await render({ args: ['--set', set] }), await render({ values: shown })];
    for (const manifests of deployments) {
      const containers = at<Values[]>(one(manifests, 'Deployment'), 'spec.template.spec.containers');
      expect(containers[0]).toMatchObject({ envFrom: [{ secretRef: { name: 'weather' } }] });
    }
  });

  it('shows how audit events in a file are printed as a log, and the file is emptied when it is large', async () => {
    const block = blocks.find((text) => text.includes('truncate')) ?? '';
    const [script = ''] = at<string[]>(parse(block) as Values, 'initContainers.0.command').slice(-1);
    const directory = mkdtempSync(join(tmpdir(), 'audit-'));
    const faster = script
      .replaceAll('/audit', directory)
      .replace('sleep 10', 'sleep 0.1')
      .replace('+100M', '+8k');
    const child = spawn('sh', ['-c', faster], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    // In a container, what it started ends with it; here that is in its group.
    onTestFinished(() => void process.kill(-Number(child.pid), 'SIGKILL'));
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const file = join(directory, 'events.jsonl');
    for (const round of [1, 2, 3]) {
      // Each is shorter than the one before: of a file that is as long again, tail does not notice that it was emptied.
      const line = JSON.stringify({ event: 'call', round, more: 'x'.repeat(300 - 100 * round) });
      appendFileSync(file, `${line}\n`);
      await waitUntil(() => printed.includes(line));
      appendFileSync(file, `${JSON.stringify({ event: 'x'.repeat(10_000) })}\n`);
      await waitUntil(() => statSync(file).size === 0);
    }
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('shows how a fraction is given, of which --set makes a text', async () => {
    const [, set = ''] = /--set-json (monitoring\S+)`/.exec(README) ?? [];
    expect(await template({ args: ['--set-json', set] })).toMatchObject({ ok: true });
    for (const helm of ['helm3', 'helm4'] as const) {
      const [told = ''] = await complaints({ args: ['--set', set], helm });
      expect(told).toBe(
        '- monitoring.rules.latencySeconds: "0.5" must be a number. --set makes a text of a fraction: give it in a values file, or by --set-json',
      );
    }
  });

  it('shows how a Secret is changed without the warning of kubectl apply, which wants to have made it', () => {
    const changes = README.split('--dry-run=client -o yaml').slice(1);
    expect(changes).toHaveLength(2);
    for (const change of changes) expect(/\| kubectl (\w+)/.exec(change)?.[1]).toBe('replace');
  });

  it('shows how numbers of users are unset', async () => {
    const [, sets = ''] = /--set (podSecurityContext\S+)/.exec(README) ?? [];
    const context = at(
      one(await renderPlain({ args: ['--set', sets] }), 'Deployment'),
      'spec.template.spec.securityContext',
    );
    expect(context).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  });
});
