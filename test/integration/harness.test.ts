import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Alertmanager, Prometheus, startWebhook, Toolbox } from './harness.ts';

const rules = `
groups:
  - name: example
    rules:
      - { record: example:up:sum, expr: sum(up) }
      - alert: ExampleIsDown
        expr: up{job="nobody"} == 0
        labels: { severity: page }
        annotations: { summary: 'Nobody answers at {{ $labels.instance }}' }
`;

describe('an alert', () => {
  it('goes from a rule through Prometheus and Alertmanager to the webhook', async () => {
    const webhook = await startWebhook();
    const alertmanager = await Alertmanager.start(`
route: { receiver: test, group_wait: 0s, group_interval: 1s, group_by: [alertname] }
receivers: [{ name: test, webhook_configs: [{ url: '${webhook.url}' }] }]
`);
    const prometheus = await Prometheus.start({
      scrapeConfigs: `- { job_name: nobody, static_configs: [{ targets: ['localhost:1'] }] }`,
      ruleFiles: { 'example.yml': rules },
      alertmanagers: [alertmanager.target],
    });
    await expect
      .poll(() => webhook.notifications[0])
      .toMatchObject({
        receiver: 'test',
        status: 'firing',
        commonLabels: { alertname: 'ExampleIsDown', severity: 'page' },
        commonAnnotations: { summary: 'Nobody answers at localhost:1' },
      });
    expect(await alertmanager.alerts()).toMatchObject([
      { labels: { alertname: 'ExampleIsDown' }, status: { state: 'active' }, receivers: [{ name: 'test' }] },
    ]);
    expect(await prometheus.alerts()).toMatchObject([{ state: 'firing', value: 0 }]);
    expect(await prometheus.rules()).toMatchObject([
      { group: 'example', name: 'example:up:sum', type: 'recording', health: 'ok' },
      { group: 'example', name: 'ExampleIsDown', type: 'alerting', state: 'firing' },
    ]);
    expect(await prometheus.series('example:up:sum')).toEqual([{ __name__: 'example:up:sum' }]);
    const [sample] = await prometheus.query('example:up:sum');
    const time = sample?.time ?? NaN;
    expect(await prometheus.queryRange('example:up:sum', time, time, 1)).toEqual([
      { labels: { __name__: 'example:up:sum' }, points: [{ time, value: 0 }] },
    ]);
    await Promise.all([webhook, alertmanager, prometheus].map((started) => started.stop()));
  });
});

describe('the command line tools', () => {
  let promtool: Toolbox;
  let amtool: Toolbox;

  beforeAll(async () => {
    [promtool, amtool] = await Promise.all([Toolbox.promtool(), Toolbox.amtool()]);
  });

  afterAll(async () => {
    await Promise.all([promtool.stop(), amtool.stop()]);
  });

  it('test rules', async () => {
    const test = (expected: number) => `
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{ series: 'up{job="nobody", instance="a"}', values: '1 0' }]
    promql_expr_test:
      - { expr: 'example:up:sum', eval_time: 1m, exp_samples: [{ labels: 'example:up:sum', value: ${expected} }] }
`;
    const run = (expected: number) =>
      promtool.run(['test', 'rules', 'test.yml'], { 'rules.yml': rules, 'test.yml': test(expected) });
    expect(await run(0)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('SUCCESS') as string });
    expect(await run(1)).toMatchObject({ exitCode: 1 });
  });

  it('check configurations', async () => {
    const check = (content: string) => amtool.run(['check-config', 'am.yml'], { 'am.yml': content });
    expect(await check('route: { receiver: a }\nreceivers: [{ name: a }]')).toMatchObject({ exitCode: 0 });
    expect(await check('route: { receiver: b }\nreceivers: [{ name: a }]')).toMatchObject({ exitCode: 1 });
  });
});
