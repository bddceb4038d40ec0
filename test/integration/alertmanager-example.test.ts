import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { alertSet } from '../../alerts/source/rules.ts';
import { parametersSchema } from '../../alerts/source/parameters.ts';
import { Alertmanager, Toolbox } from './harness.ts';
import type { ReceivedAlert } from './harness/alertmanager.ts';
import { waitFor } from '../support/wait.ts';

const EXAMPLE = readFileSync(new URL('../../alerts/alertmanager.example.yaml', import.meta.url), 'utf8');
const ALERTS = alertSet(parametersSchema.parse({}));

const RECEIVERS = { critical: 'nexus-mcp-pages', warning: 'nexus-mcp-tickets', info: 'nobody' } as const;

type Labels = Readonly<Record<string, string>>;

describe('the example configuration, by amtool,', () => {
  let amtool: Toolbox;

  beforeAll(async () => {
    amtool = await Toolbox.amtool();
  });
  afterAll(() => amtool.stop());

  const receiverOf = async (labels: Labels): Promise<string> => {
    const { stdout, output } = await amtool.run(
      [
        ...['config', 'routes', 'test', '--config.file=example.yaml'],
        ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
      ],
      { 'example.yaml': EXAMPLE },
    );
    return stdout.trim() || output;
  };

  it('is valid', async () => {
    const { exitCode, output } = await amtool.run(['check-config', 'example.yaml'], {
      'example.yaml': EXAMPLE,
    });
    expect(exitCode, output).toBe(0);
  });

  it.each(ALERTS.map(({ name, severity }) => [name, severity] as const))(
    'routes %s of severity %s by its severity',
    async (alertname, severity) => {
      expect(await receiverOf({ alertname, severity, job: 'nexus-mcp' })).toBe(RECEIVERS[severity]);
    },
  );

  it('opens a ticket for a severity it does not know, and leaves alerts of others alone', async () => {
    expect(await receiverOf({ alertname: 'NexusMCPDown', severity: 'page' })).toBe('nexus-mcp-tickets');
    expect(await receiverOf({ alertname: 'KubePodCrashLooping', severity: 'critical' })).toBe('nobody');
    expect(await receiverOf({ alertname: 'AboutNexusMCPDown', severity: 'critical' })).toBe('nobody');
  });

  it('names no receiver that does not notify, besides the one that says so', () => {
    const { receivers } = parse(EXAMPLE) as { receivers: readonly { name: string }[] };
    const silent = receivers.filter((receiver) => Object.keys(receiver).length === 1);
    expect(silent.map(({ name }) => name)).toEqual(['nobody']);
  });
});

describe('the example configuration, in Alertmanager,', () => {
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    alertmanager = await Alertmanager.start(EXAMPLE);
  });
  afterAll(() => alertmanager.stop());

  /**
   * Lets alerts of a service fire, and beside it those of a service of another name.
   * @returns what is inhibited of the first; of the other nothing may be
   */
  async function inhibited(
    namespace: string,
    alerts: readonly Labels[],
    bystanders = alerts.slice(1),
  ): Promise<readonly string[]> {
    const firing = [
      ...alerts.map((labels) => ({ ...labels, namespace, job: 'nexus-mcp' })),
      ...bystanders.map((labels) => ({ ...labels, namespace, job: 'other-nexus-mcp' })),
    ];
    await alertmanager.fire(firing);
    // Alertmanager takes sources of inhibition in later than it lists alerts, but in the order in which they came.
    await alertmanager.fire([
      { alertname: 'NexusMCPDown', severity: 'critical', namespace, job: 'last' },
      { alertname: 'NexusMCPTargetDown', severity: 'warning', namespace, job: 'last' },
    ]);
    const listed = async (fits: (job: string | undefined) => boolean): Promise<readonly ReceivedAlert[]> =>
      (await alertmanager.alerts()).filter(
        ({ labels }) => labels['namespace'] === namespace && fits(labels['job']),
      );
    await waitFor(async () => {
      const last = await listed((job) => job === 'last');
      expect(last.map(({ status }) => status.state).sort()).toEqual(['active', 'suppressed']);
    }, 30_000);
    const received = await listed((job) => job !== 'last');
    expect(received).toHaveLength(firing.length);
    expect(received.map(({ status }) => status.state)).not.toContain('unprocessed');
    const suppressed = received.filter(({ status }) => status.state === 'suppressed');
    expect(suppressed.filter(({ labels }) => labels['job'] !== 'nexus-mcp')).toEqual([]);
    return suppressed
      .map(({ labels }) => [labels['alertname'], labels['severity'], labels['instance']].join(' ').trim())
      .sort();
  }

  const all = ALERTS.map(({ name, severity }): Labels => ({ alertname: name, severity }));

  it('says nothing else while the service is down', async () => {
    const down = { alertname: 'NexusMCPDown', severity: 'critical' };
    const others = all.filter(({ alertname }) => alertname !== 'NexusMCPDown');
    const elsewhere = [{ alertname: 'NexusMCPTargetDown', severity: 'warning' }];
    expect(await inhibited('down', [down, ...others], elsewhere)).toEqual(
      others.map(({ alertname = '', severity = '' }) => `${alertname} ${severity}`).sort(),
    );
  });

  it('opens no ticket beside the page of the same name, but one for another instance', async () => {
    const stuck = (severity: string, instance: string): Labels => ({
      alertname: 'NexusMCPCallsStuck',
      severity,
      instance,
    });
    const burn = (severity: string): Labels => ({ alertname: 'NexusMCPLatencyBudgetBurn', severity });
    const tickets = [burn('warning'), stuck('warning', 'a')];
    expect(
      await inhibited(
        'twice',
        [burn('critical'), stuck('critical', 'a'), stuck('warning', 'b'), ...tickets],
        tickets,
      ),
    ).toEqual(['NexusMCPCallsStuck warning a', 'NexusMCPLatencyBudgetBurn warning']);
  });

  it('keeps the consequences of an outage and of a blocked loop quiet, and only those', async () => {
    const labelsOf = (alertname: string, severity: string, instance?: string): Labels => ({
      alertname,
      severity,
      ...(instance !== undefined && { instance }),
    });
    expect(
      await inhibited('outage', [
        labelsOf('NexusMCPOutage', 'critical'),
        labelsOf('NexusMCPErrorBudgetBurn', 'critical'),
        labelsOf('NexusMCPToolErrorRateHigh', 'warning'),
        labelsOf('NexusMCPSessionsNearLimit', 'warning', 'a'),
      ]),
    ).toEqual(['NexusMCPErrorBudgetBurn critical', 'NexusMCPToolErrorRateHigh warning']);
    expect(
      await inhibited('blocked', [
        labelsOf('NexusMCPEventLoopBlocked', 'critical', 'a'),
        labelsOf('NexusMCPEventLoopLagging', 'warning', 'a'),
        labelsOf('NexusMCPEventLoopLagging', 'warning', 'b'),
        labelsOf('NexusMCPToolLatencyHigh', 'warning'),
        labelsOf('NexusMCPAuthFailures', 'warning'),
      ]),
    ).toEqual(['NexusMCPEventLoopLagging warning a', 'NexusMCPToolLatencyHigh warning']);
  });

  it('opens no ticket for the calls of an upstream that is down, but one for those of another', async () => {
    const of = (alertname: string, upstream: string): Labels => ({
      alertname,
      severity: 'warning',
      upstream,
    });
    expect(
      await inhibited('upstreams', [
        of('NexusMCPUpstreamDown', 'weather'),
        of('NexusMCPUpstreamFailing', 'weather'),
        of('NexusMCPUpstreamFailing', 'maps'),
        of('NexusMCPUpstreamToolsDropped', 'weather'),
      ]),
    ).toEqual(['NexusMCPUpstreamFailing warning']);
  });
});
