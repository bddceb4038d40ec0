import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import {
  counter,
  createMonitoring,
  gauge,
  histogram,
  type CustomMetrics,
} from '../../src/monitoring/index.ts';
import { parseMetrics } from '../support/metrics-text.ts';

const declared = {
  orders_total: counter('Orders placed', { plan: ['free', 'pro'] }),
  carts_open: gauge('Carts open now'),
  cart_value_euros: histogram('Value of carts', [10, 100], { country: { atMost: 2 } }),
};

describe('declared metrics', () => {
  it('are recorded, and closed ones are there at zero', async () => {
    const { custom, metrics } = createMonitoring({ metrics: declared });
    expect(parseMetrics((await metrics()).body).value('orders_total', { plan: 'free' })).toBe(0);
    custom.orders_total.inc({ plan: 'pro' });
    custom.orders_total.inc({ plan: 'pro' }, 2);
    custom.carts_open.set({}, 5);
    custom.carts_open.dec({});
    custom.cart_value_euros.observe({ country: 'at' }, 50);
    const samples = parseMetrics((await metrics()).body);
    expect(samples.value('orders_total', { plan: 'pro' })).toBe(3);
    expect(samples.value('carts_open')).toBe(4);
    expect(samples.value('cart_value_euros_bucket', { country: 'at', le: '100' })).toBe(1);
    expect(samples.value('cart_value_euros_bucket', { country: 'at', le: '10' })).toBe(0);
  });

  it('fold values that were not declared, or are too many, into other, and count them', async () => {
    const { custom, metrics } = createMonitoring({ metrics: declared });
    // What JavaScript lets through, and TypeScript does not.
    custom.orders_total.inc({ plan: 'made up' as 'free' });
    for (let each = 0; each < 1000; each += 1) custom.cart_value_euros.observe({ country: `c${each}` }, 1);
    const samples = parseMetrics((await metrics()).body);
    expect(samples.value('orders_total', { plan: 'other' })).toBe(1);
    const counts = samples.select('cart_value_euros_count');
    expect(counts.map(({ labels, value }) => [labels['country'], value])).toEqual([
      ['c0', 1],
      ['c1', 1],
      ['other', 998],
    ]);
    const folded = (metric: string, label: string) =>
      samples.value('mcp_label_values_folded_total', { metric, label });
    expect(folded('orders_total', 'plan')).toBe(1);
    expect(folded('cart_value_euros', 'country')).toBe(998);
  });
});

it('values too long for a label become other', async () => {
  const { custom, metrics } = createMonitoring({ metrics: declared });
  custom.cart_value_euros.observe({ country: 'x'.repeat(129) }, 1);
  const samples = parseMetrics((await metrics()).body);
  expect(samples.select('cart_value_euros_count').map(({ labels }) => labels['country'])).toEqual(['other']);
});

/** A registry that has a metric already. */
function registryInUse(): Registry {
  const registry = new Registry();
  new Counter({ name: 'taken_total', help: 'Taken', registers: [registry] });
  return registry;
}

const REFUSED: readonly (readonly [string, CustomMetrics, string])[] = [
  [
    'a name of ours',
    { mcp_tool_calls_total: counter('x') },
    'metric mcp_tool_calls_total: the name is taken by nexus-mcp',
  ],
  ...[undefined, 'counter', { type: 'counter', help: 'x' }, { type: 'summary', help: 'x', labels: {} }].map(
    (metric) =>
      [
        `what was not declared: ${JSON.stringify(metric)}`,
        { orders_total: metric } as unknown as CustomMetrics,
        'metric orders_total: declare it with counter(), gauge() or histogram()',
      ] as const,
  ),
  ['a name of the process', { process_things_total: counter('x') }, 'taken by nexus-mcp'],
  ['a name in the registry', { taken_total: counter('x') }, 'the name is taken in this registry'],
  ['a counter without _total', { orders: counter('x') }, 'the names of counters end in _total'],
  ['a gauge with _total', { orders_total: gauge('x') }, 'the names of counters end in _total'],
  ['the name of a sample', { orders_bucket: gauge('x') }, 'like the name of a sample'],
  ['a name that is none', { 'or-ders': gauge('x') }, 'its name must be'],
  [
    'a name that is the same in OpenMetrics',
    { orders: gauge('x'), orders_total: counter('x') },
    'metric orders: in OpenMetrics orders_total has the same name',
  ],
  ['no help', { orders: gauge(' ') }, 'it has no help text'],
  ['buckets out of order', { seconds: histogram('x', [2, 1]) }, 'its buckets must be numbers that increase'],
  ['no buckets', { seconds: histogram('x', []) }, 'its buckets must be numbers that increase'],
  ['a label of Prometheus', { orders: gauge('x', { le: ['1'] }) }, 'label le: this is no name for a label'],
  [
    'a label without values',
    { orders: gauge('x', { customer: undefined as unknown as [] }) },
    'label customer: its values are not bounded: list them, or say { atMost: n }',
  ],
  ['a label that is nearly unbounded', { orders: gauge('x', { customer: { atMost: 1e6 } }) }, 'not bounded'],
  ['an empty list of values', { orders: gauge('x', { plan: [] }) }, 'its values must be texts'],
  [
    'the same value twice',
    { orders: gauge('x', { plan: ['a', 'a'] }) },
    'its values must be texts, each once',
  ],
  [
    'too many series',
    { orders: gauge('x', { a: { atMost: 500 }, b: { atMost: 500 } }) },
    'it may have 251001 series; the most is 10000',
  ],
];

describe('at start, a declaration is refused for', () => {
  it.each(REFUSED)('%s', (_what, metrics, message) => {
    expect(() => createMonitoring({ metrics, registry: registryInUse() })).toThrow(message);
  });

  it('what is wrong, before anything is in the registry', () => {
    const registry = new Registry();
    expect(() => createMonitoring({ registry, metrics: { bad: counter('x') } })).toThrow('metric bad');
    expect(registry.getMetricsAsArray()).toEqual([]);
    createMonitoring({ registry, metrics: { good_total: counter('x') } });
  });

  it('all that is wrong with it, at once', () => {
    const metrics = { orders: counter(''), 'a b': gauge('x') };
    expect(() => createMonitoring({ metrics })).toThrow(
      'metric orders: the names of counters end in _total, and no others do\n' +
        'metric orders: it has no help text\n' +
        'metric a b: its name must be of a-z A-Z 0-9 _ and not begin with a digit',
    );
  });
});
