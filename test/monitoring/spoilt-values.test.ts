import process from 'node:process';
import { describe, expect, it, vi } from 'vitest';
import { counter, createMonitoring, gauge, histogram } from '../../src/monitoring/index.ts';
import { scrape } from '../support/instrumented.ts';

const metrics = {
  orders_total: counter('Orders placed', { plan: ['free', 'pro'] }),
  carts_open: gauge('Carts open now'),
  cart_value_euros: histogram('Value of carts', [10, 100]),
};

/** Values that would stay in a metric for ever, and what else JavaScript lets through. */
const SPOILT = [NaN, Infinity, -Infinity, '5', null, {}, 5n] as unknown as number[];

describe('a value that a metric of one’s own cannot have', () => {
  it.each([...SPOILT, -1])('is left out of a counter: %s', async (value) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const monitoring = createMonitoring({ metrics });
    const { orders_total: orders } = monitoring.custom;
    orders.inc({ plan: 'free' }, 2);
    for (let each = 0; each < 3; each += 1) orders.inc({ plan: 'free' }, value);
    orders.inc({ plan: 'free' });
    expect((await scrape(monitoring)).value('orders_total', { plan: 'free' })).toBe(3);
    expect(warned.mock.calls).toMatchObject([
      [{ message: expect.stringMatching(/^metric orders_total: /) as string }],
    ]);
    warned.mockRestore();
  });

  it.each([...SPOILT, undefined as unknown as number])('is left out of a histogram: %s', async (value) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const monitoring = createMonitoring({ metrics });
    const { cart_value_euros: values } = monitoring.custom;
    values.observe({}, 5);
    values.observe({}, value);
    values.observe({}, -5);
    const samples = await scrape(monitoring);
    expect(samples.value('cart_value_euros_sum')).toBe(0);
    expect(samples.value('cart_value_euros_count')).toBe(2);
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  it.each(SPOILT)('does not change a gauge: %s', async (value) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const monitoring = createMonitoring({ metrics });
    const { carts_open: carts } = monitoring.custom;
    carts.set({}, 5);
    carts.inc({}, value);
    carts.dec({}, value);
    carts.dec({}, -1);
    expect((await scrape(monitoring)).value('carts_open')).toBe(6);
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  it('is what a gauge is set to, if it is a number: what it says is then unknown', async () => {
    const monitoring = createMonitoring({ metrics });
    monitoring.custom.carts_open.set({}, NaN);
    expect((await scrape(monitoring)).value('carts_open')).toBeNaN();
  });

  it('is told of once for each metric, with what it was', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const { custom } = createMonitoring({ metrics });
    custom.orders_total.inc({ plan: 'pro' }, -2);
    custom.orders_total.inc({ plan: 'free' }, NaN);
    custom.carts_open.inc({}, NaN);
    expect(warned.mock.calls.map(([warning]) => String(warning))).toEqual([
      'RangeError: metric orders_total: a counter takes numbers of 0 or more, not -2; such values are left out',
      'RangeError: metric carts_open: a gauge takes numbers, and changes by finite ones, not NaN; such values are left out',
    ]);
    warned.mockRestore();
  });
});
