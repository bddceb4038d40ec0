import { describe, expect, it } from 'vitest';
import { ruleGroups, type Rule, type RuleGroup } from '../../alerts/source/rules.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { NEWEST, renderOn } from './clusters.ts';
import { at, one, render, type Values } from './helm.ts';

const { version } = packageJson;
const OWN = { job: 'agents-nexus-mcp', namespace: 'tools' };
const SELECTOR = `job="${OWN.job}", namespace="${OWN.namespace}"`;

async function groupsOf(values: Values = {}): Promise<readonly RuleGroup[]> {
  const rule = one(await render({ release: 'agents', namespace: 'tools', values }), 'PrometheusRule');
  return at<readonly RuleGroup[]>(rule, 'spec.groups');
}

const alertsOf = async (values: Values, name: string): Promise<readonly Rule[]> =>
  (await groupsOf(values)).flatMap(({ rules }) => rules).filter(({ alert }) => alert === name);

/** With the commands of a chart that knows its release, unless the rules are about others as well. */
function ofRelease(groups: readonly RuleGroup[], { monitoring = {} }: Values = {}): readonly RuleGroup[] {
  if (at<string | undefined>(monitoring, 'rules.selector') !== undefined) return groups;
  const name = 'app.kubernetes.io/name=nexus-mcp';
  const text = JSON.stringify(groups).replaceAll(name, `app.kubernetes.io/instance=agents,${name}`);
  return JSON.parse(text) as readonly RuleGroup[];
}

/** Without the links to Grafana, where the chart is not told its address. */
const unlinked = (groups: readonly RuleGroup[]): readonly RuleGroup[] =>
  groups.map((group) => ({
    ...group,
    rules: group.rules.map(({ annotations, ...rule }) => {
      const kept = Object.fromEntries(
        Object.entries(annotations ?? {}).filter(([name]) => name !== 'dashboard_url'),
      );
      return { ...rule, ...(annotations && { annotations: kept }) };
    }),
  }));

/** Without dashboards of the release they lead to those that were imported by hand. */
const grafanaUrl = {
  monitoring: { dashboards: { enabled: false, grafanaUrl: 'https://grafana.example.com/' } },
};
const grafanaBaseUrl = 'https://grafana.example.com';

/** Values of the chart, and parameters of the plain file that must give the same rules. */
const SAME: readonly (readonly [what: string, values: Values, parameters: Values])[] = [
  ['an address of Grafana', grafanaUrl, { grafanaBaseUrl }],
  ['a limit of samples', { monitoring: { monitor: { sampleLimit: 30_000 } } }, { sampleLimit: 30_000 }],
  [
    'objectives, floors and one reason, and a scrape of your own',
    {
      monitoring: {
        monitor: { enabled: false },
        rules: {
          availabilityObjective: 99.9,
          latencyObjective: 99,
          latencySeconds: 0.5,
          minimumBadCalls: 8,
          minimumCalls: 50,
          badReasons: ['exception'],
          runbookUrl: 'https://runbooks.example.com/',
          labels: { team: 'agents' },
        },
      },
    },
    {
      availability: { objective: 99.9 },
      latency: { objective: 99, thresholdSeconds: 0.5 },
      minimumBadCalls: 8,
      minimumCalls: 50,
      badReasons: ['exception'],
      runbookBaseUrl: 'https://runbooks.example.com',
      labels: { team: 'agents' },
      mustExist: false,
    },
  ],
  [
    'a whole number of seconds, which Prometheus 3 stores with a decimal, and no pods',
    { replicas: 0, monitoring: { rules: { latencySeconds: 5, badReasons: ['timeout', 'unavailable'] } } },
    { latency: { thresholdSeconds: 5 }, badReasons: ['timeout', 'unavailable'], mustExist: false },
  ],
  [
    'a tool of its own, and pods of an autoscaler',
    {
      replicas: 0,
      autoscaling: { enabled: true },
      alerts: { tools: { echo: { errorRatio: 0.5 } } },
    },
    { tools: { echo: { errorRatio: 0.5 } } },
  ],
  [
    'several tools of their own, and no pods as long as nobody calls',
    {
      keda: { enabled: true, minReplicas: 0, serverAddress: 'http://prometheus:9090' },
      alerts: {
        tools: {
          'a.b': { errorRatio: 0.5, latencySeconds: 9 },
          c: { latencySeconds: 1 },
          d: { errorRatio: 0.02 },
        },
      },
    },
    {
      tools: {
        'a.b': { errorRatio: 0.5, latencySeconds: 9 },
        c: { latencySeconds: 1 },
        d: { errorRatio: 0.02 },
      },
      mustExist: false,
    },
  ],
  [
    'changes to single alerts, and pods that need not be there',
    {
      monitoring: { rules: { mustExist: false } },
      alerts: {
        NexusMCPDown: { for: '10m', keepFiringFor: '0s', labels: { page: 'yes' } },
        NexusMCPOutage: { threshold: 0.5, severity: 'warning' },
        NexusMCPErrorBudgetBurn: { for: '5m' },
        NexusMCPToolSilent: { enabled: false },
        NexusMCPToolErrorRateHigh: { threshold: 0.2 },
        NexusMCPToolLatencyHigh: { threshold: 2 },
        NexusMCPRestarting: { threshold: 6 },
        NexusMCPHeapNearLimit: { threshold: 0.95 },
        NexusMCPOverloaded: { threshold: 1000 },
      },
    },
    {
      alerts: {
        NexusMCPDown: { forSeconds: 600, keepFiringForSeconds: 0, labels: { page: 'yes' } },
        NexusMCPOutage: { severity: 'warning' },
        NexusMCPErrorBudgetBurn: { forSeconds: 300 },
        NexusMCPToolSilent: { enabled: false },
      },
      outageRatio: 0.5,
      toolErrorRatio: 0.2,
      toolLatencySeconds: 2,
      restarts: 6,
      heapRatio: 0.95,
      overloadedCalls: 1000,
      mustExist: false,
    },
  ],
  [
    'buckets of slow tools',
    {
      config: { metrics: { durationBuckets: [30, 45] } },
      monitoring: { rules: { latencySeconds: 30 } },
      alerts: {
        NexusMCPToolLatencyHigh: { threshold: 12.5 },
        tools: { report: { latencySeconds: 44 } },
      },
    },
    {
      durationBuckets: [30, 45],
      latency: { thresholdSeconds: 30 },
      toolLatencySeconds: 12.5,
      tools: { report: { latencySeconds: 44 } },
    },
  ],
  [
    'deadlines of slow tools, which the server has buckets for',
    {
      terminationGracePeriodSeconds: 400,
      config: {
        limits: { toolTimeoutSeconds: 45 },
        tools: { settings: { report: { timeoutSeconds: 300 } } },
        shutdown: { deadlineSeconds: 310 },
      },
      monitoring: { rules: { latencySeconds: 120 } },
      alerts: { tools: { report: { latencySeconds: 299 } } },
    },
    {
      durationBuckets: [30, 60, 120, 300],
      latency: { thresholdSeconds: 120 },
      tools: { report: { latencySeconds: 299 } },
    },
  ],
  [
    'a selector',
    { monitoring: { rules: { selector: 'job=~"mcp-.+"' } } },
    { selector: 'job=~"mcp-.+"', mustExist: false },
  ],
  [
    'a selector of two lines, with what means something in YAML',
    { monitoring: { rules: { selector: 'job=~"\\d: #.+",\nnamespace="tools"\n' } } },
    { selector: 'job=~"\\d: #.+", namespace="tools"', mustExist: false },
  ],
];

/** There are pods, and the chart says how Prometheus finds them. */
const PLAIN = {
  selector: SELECTOR,
  mustExist: true,
  // The runbooks of the release that it installs.
  runbookBaseUrl: `https://github.com/nexus-mcp/nexus-mcp/blob/v${version}/alerts/runbooks`,
};

describe("the chart's rules are the plain file's", () => {
  it('with no values', async () => {
    expect(await groupsOf()).toEqual(ofRelease(unlinked(ruleGroups(PLAIN))));
  });

  it.each(SAME)('with %s', async (_what, values, parameters) => {
    const plain = ofRelease(ruleGroups({ ...PLAIN, ...parameters }), values);
    expect(await groupsOf(values)).toEqual(values === grafanaUrl ? plain : unlinked(plain));
  });
});

describe('an operator can', () => {
  it('tell services apart by further labels, everywhere', async () => {
    const groups = await groupsOf({
      monitoring: { rules: { additionalAggregationLabels: ['region', 'env'] } },
    });
    const text = JSON.stringify(groups);
    expect(text).toContain('sum by (cluster, namespace, job, region, env) (');
    expect(text).toContain('sum by (cluster, namespace, job, region, env, tool_name, le) (');
    expect(text).toContain('on (cluster, namespace, job, region, env) group_left ()');
    expect(text).not.toMatch(/cluster, namespace, job(?!, region, env)/);
    // What descriptions ask is about the alert's service alone.
    expect(text).toContain('$labels.job $labels.namespace $labels.cluster $labels.region $labels.env');
    expect(text).not.toMatch(/cluster=%q(?!, region=%q, env=%q)/);
    expect(text).not.toMatch(
      /\$labels\.job \$labels\.namespace \$labels\.cluster(?! \$labels\.region \$labels\.env)/,
    );
  });

  it('keep recording rules without alerts', async () => {
    const groups = await groupsOf({ monitoring: { rules: { alertingRules: false } } });
    expect(groups.map(({ name }) => name)).toEqual(['nexus-mcp.ratios', 'nexus-mcp.budget']);
  });

  it('keep alerts without the recording rules they do not read', async () => {
    const off = { enabled: false };
    const groups = await groupsOf({
      monitoring: { rules: { recordingRules: false } },
      alerts: {
        NexusMCPErrorBudgetBurn: off,
        NexusMCPLatencyBudgetBurn: off,
        NexusMCPErrorBudgetExhausted: off,
        NexusMCPRecordsMissing: off,
      },
    });
    expect(groups.map(({ name }) => name)).toEqual(['nexus-mcp.alerts']);
  });

  it('let something else record what alerts read, and be told where nothing does', async () => {
    const values = {
      monitoring: { rules: { recordingRules: false } },
      alerts: { tools: { echo: { errorRatio: 0.5 } } },
    };
    const [alerts, ...others] = await groupsOf(values);
    const plain = ofRelease(unlinked(ruleGroups({ ...PLAIN, tools: { echo: { errorRatio: 0.5 } } }))).at(-1);
    expect(others).toEqual([]);
    // What the values say of single tools is recorded with the alerts.
    expect(alerts).toEqual(plain);
    expect(alerts?.rules.map(({ alert }) => alert)).toContain('NexusMCPRecordsMissing');
  });

  const annotations = { chat: 'tell {{ $labels.job }}', summary: 'Ours.' };
  const group = {
    name: 'own',
    rules: [{ alert: 'Own', expr: 'up == 0', annotations: { summary: '{{ $value }}' } }],
  };
  /** What the tests below look at a part of each. */
  const CHANGED: Values = {
    nameOverride: 'agents',
    alerts: {
      NexusMCPDown: { annotations },
      NexusMCPRestarting: { enabled: false },
      NexusMCPErrorBudgetBurn: { enabled: false },
      NexusMCPSessionsNearLimit: { threshold: 0.5 },
    },
    monitoring: { rules: { extraGroups: [group] } },
  };

  it('switch an alert off, and have it no more', async () => {
    expect(await alertsOf(CHANGED, 'NexusMCPRestarting')).toEqual([]);
    expect(await alertsOf(CHANGED, 'NexusMCPErrorBudgetBurn')).toEqual([]);
    expect(await alertsOf(CHANGED, 'NexusMCPTargetDown')).toHaveLength(1);
  });

  it('annotate an alert, with templates that Helm leaves to Prometheus', async () => {
    const [rule] = await alertsOf(CHANGED, 'NexusMCPDown');
    expect(rule?.annotations).toMatchObject(annotations);
    expect(rule?.annotations?.['description']).toContain('{{ $labels.job }}');
  });

  it('add groups, with templates that Helm leaves to Prometheus', async () => {
    expect((await groupsOf(CHANGED)).at(-1)).toEqual(group);
  });

  it('rename the chart, and the first command still finds the pods', async () => {
    const [rule] = await alertsOf(CHANGED, 'NexusMCPDown');
    expect(rule?.annotations?.['description']).toContain(
      '-l app.kubernetes.io/instance=agents,app.kubernetes.io/name=agents ',
    );
  });

  it('tell the thresholds of sessions and of subscriptions apart, which have one name at one limit each', async () => {
    expect((await alertsOf(CHANGED, 'NexusMCPSessionsNearLimit'))[0]?.expr).toMatch(/> 0\.5\nand on /);
    expect((await alertsOf(CHANGED, 'NexusMCPSubscriptionsNearLimit'))[0]?.expr).toMatch(/> 0\.9\n/);
  });
});

it.each(['minimal', 'many-replicas', 'custom-tools'])('the rules of %s have no mark left', async (name) => {
  const rules = one(await renderOn(NEWEST, `${name}-values.yaml`), 'PrometheusRule');
  expect(JSON.stringify(rules)).not.toMatch(/@[\w.*]+@|\b90{5}\d\b/);
});

it('a scrape without a limit is never near it', async () => {
  const [rule] = await alertsOf({ monitoring: { monitor: { sampleLimit: 0 } } }, 'NexusMCPSamplesNearLimit');
  expect(rule?.expr).toMatch(/ \/ Inf > 0\.8\n/);
});
