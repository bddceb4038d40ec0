import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { counter, createMonitoring, gauge, histogram } from '../../src/monitoring/index.ts';

const BUCKETS = [0.5, 1, 10, 1_000_000];
const PLANS = ['free', 'pro', 'with "quotes", \\ and \n'];

const declared = {
  orders_total: counter('Orders, by \\ plan', { plan: PLANS, country: { atMost: 3 } }),
  carts_open: gauge('Carts', { plan: PLANS }),
  visitors: gauge('Visitors'),
  cart_value_euros: histogram('Values', BUCKETS, { country: { atMost: 3 } }),
  waiting_seconds: histogram('Waiting', BUCKETS),
};

/** The same metrics, as ours and as prom-client's own. */
function both() {
  const registry = new Registry();
  const monitoring = createMonitoring({ registry, metrics: declared });
  for (const metric of registry.getMetricsAsArray())
    if (!Object.hasOwn(declared, metric.name)) registry.removeSingleMetric(metric.name);
  const reference = new Registry();
  const registers = [reference];
  const theirs = {
    orders_total: new Counter({
      name: 'orders_total',
      help: declared.orders_total.help,
      labelNames: ['plan', 'country'],
      registers,
    }),
    carts_open: new Gauge({ name: 'carts_open', help: 'Carts', labelNames: ['plan'], registers }),
    visitors: new Gauge({ name: 'visitors', help: 'Visitors', registers }),
    cart_value_euros: new Histogram({
      name: 'cart_value_euros',
      help: 'Values',
      labelNames: ['country'],
      buckets: BUCKETS,
      registers,
    }),
    waiting_seconds: new Histogram({
      name: 'waiting_seconds',
      help: 'Waiting',
      buckets: BUCKETS,
      registers,
    }),
  };
  return { registry, reference, theirs, monitoring };
}

/** Has both record the same, of everything that can be recorded. */
function record({ monitoring: { custom }, theirs }: ReturnType<typeof both>): void {
  for (let step = 0; step < 200; step += 1) {
    const plan = PLANS[step % 3] ?? '';
    const country = `c${step % 2}`;
    const value = [step / 7, 1, 1e7, -3, 0.1 + 0.2, step % 5 === 0 ? NaN : 0][step % 6] ?? 0;
    for (const carts of [custom.carts_open, theirs.carts_open]) {
      carts.set({ plan }, step % 7 === 0 ? Infinity : value);
      carts.inc({ plan });
      carts.dec({ plan }, 0.5);
    }
    for (const visitors of [custom.visitors, theirs.visitors]) visitors.set({}, -Math.abs(value));
    custom.orders_total.inc({ plan, country }, step / 3);
    theirs.orders_total.inc({ plan, country }, step / 3);
    if (!Number.isFinite(value)) continue;
    for (const values of [custom.cart_value_euros, theirs.cart_value_euros])
      values.observe({ country }, value);
    for (const waiting of [custom.waiting_seconds, theirs.waiting_seconds]) waiting.observe({}, value);
  }
}

describe('what a registry of prom-client says of metrics of ours', () => {
  it('is what it says of its own, at first and after use, with labels that it adds and without', async () => {
    const pair = both();
    const { registry, reference } = pair;
    expect(await registry.getSingleMetricAsString('visitors')).toBe(
      await reference.getSingleMetricAsString('visitors'),
    );
    record(pair);
    expect(await registry.metrics()).toBe(await reference.metrics());
    expect(await registry.getMetricsAsJSON()).toEqual(
      (await reference.getMetricsAsJSON()).map(({ values, ...metric }) => ({
        ...metric,
        values: values.map(
          ({ exemplar: _exemplar, ...value }: (typeof values)[0] & { exemplar?: unknown }) => value,
        ),
      })),
    );
    for (const each of [registry, reference]) each.setDefaultLabels({ app: 'shop', plan: 'of the registry' });
    expect(await registry.metrics()).toBe(await reference.metrics());
  });

  it('is what /metrics says', async () => {
    const pair = both();
    record(pair);
    for (const labels of [{}, { app: 'shop' }]) {
      pair.registry.setDefaultLabels(labels);
      const { body } = await pair.monitoring.metrics();
      const sorted = (text: string): string[] =>
        text
          .split('\n')
          .filter((line) => line !== '')
          // Prometheus reads both.
          .map((line) => line.replace(/ Nan$/, ' NaN'))
          .map((line) => line.replaceAll(/[^{,]+="(?:[^"\\]|\\.)*"/g, '').concat(String(labelsOf(line))))
          .sort();
      expect(sorted(body)).toEqual(sorted(await pair.registry.metrics()));
    }
  });

  it('is the same in a registry of several, and added up over the workers of a cluster', async () => {
    const pair = both();
    record(pair);
    const { registry, reference } = pair;
    expect(await Registry.merge([registry, new Registry()]).metrics()).toBe(await reference.metrics());
    const twice = async (each: Registry): Promise<string> =>
      AggregatorRegistry.aggregate([await each.getMetricsAsJSON(), await each.getMetricsAsJSON()]).metrics();
    expect(await twice(registry)).toBe(await twice(reference));
  });

  it('can be reset, and series removed, which begin anew', async () => {
    const pair = both();
    const { registry, monitoring, theirs } = pair;
    record(pair);
    const orders = registry.getSingleMetric('orders_total');
    for (const each of [orders, theirs.orders_total]) each?.remove('free', 'c0');
    for (const each of [orders, theirs.orders_total]) each?.remove({ plan: 'pro', country: 'c1' });
    for (const each of [orders, theirs.orders_total]) each?.remove('never', 'there');
    expect(await registry.getSingleMetricAsString('orders_total')).toBe(
      await pair.reference.getSingleMetricAsString('orders_total'),
    );
    monitoring.custom.orders_total.inc({ plan: 'pro', country: 'c1' });
    expect((await monitoring.metrics()).body).toContain('orders_total{plan="pro",country="c1"} 1\n');
    registry.resetMetrics();
    const values = (await registry.getMetricsAsJSON()).flatMap((metric) => metric.values);
    expect(values.length).toBeGreaterThan(20);
    expect(values.filter(({ value }) => value !== 0)).toEqual([]);
    monitoring.custom.waiting_seconds.observe({}, 2);
    expect((await monitoring.metrics()).body).toContain('waiting_seconds_sum 2\n');
  });
});

/** The labels of a sample's line, in order of their names. */
const labelsOf = (line: string): readonly string[] => (line.match(/[^{,]+="(?:[^"\\]|\\.)*"/g) ?? []).sort();
