import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, type Firing } from './detection.ts';
import { document } from './detection-document.ts';
import { FAULTS, FIRST_HOURS, NO_FAULT } from './events.ts';
import { stopPromtool } from './promtool.ts';

afterAll(stopPromtool);

describe('the alerts', () => {
  let firings: readonly Firing[];
  let pages: readonly Firing[];
  let tickets: readonly Firing[];

  beforeAll(async () => {
    firings = await detect([...FAULTS, ...NO_FAULT, ...FIRST_HOURS]);
    pages = firings.filter(({ severity }) => severity === 'critical');
    tickets = firings.filter(({ severity }) => severity === 'warning');
  }, 600_000);

  it('notify of every fault, and not before', () => {
    const noticed = [...pages, ...tickets].map(({ event }) => event);
    expect(FAULTS.filter((fault) => !noticed.includes(fault)).map(({ name }) => name)).toEqual([]);
    expect(firings.filter(({ after }) => after < 0)).toEqual([]);
  });

  it('page within three minutes when all calls fail', () => {
    const outages = pages.filter(
      ({ event, alert }) => event.name === '100 % of calls fail' && alert === 'NexusMCPOutage',
    );
    expect(outages.map(({ after }) => after <= 180)).toEqual([true, true]);
  });

  it('page within 25 minutes when all calls are slow', () => {
    const slow = pages.filter(({ event }) => event.name === 'all calls take 8 s');
    expect(slow.map(({ after }) => after <= 1500)).toEqual([true, true]);
  });

  it('open a ticket within 40 minutes when a tool reports nothing but failures, and page nobody', () => {
    const name = 'all calls end in an error that the tool reports';
    const own = tickets.filter(({ event }) => event.name === name);
    expect(own.map(({ alert, after }) => [alert, after <= 2400])).toEqual([
      ['NexusMCPToolAlwaysFails', true],
    ]);
    expect(pages.filter(({ event }) => event.name === name)).toEqual([]);
  });

  it('open a ticket within a day when 2 % of calls fail, and page nobody', () => {
    const name = '2 % of calls fail';
    const burns = tickets.filter(
      ({ event, alert }) => event.name === name && alert === 'NexusMCPErrorBudgetBurn',
    );
    expect(burns.map(({ after }) => after <= 86_400)).toEqual([true, true]);
    expect(pages.filter(({ event }) => event.name === name)).toEqual([]);
  });

  it('that look back less than a day are quiet in the first hours of what lasts days', () => {
    expect(firings.filter(({ event }) => FIRST_HOURS.includes(event))).toEqual([]);
  });

  it('page nobody without a fault', () => {
    expect(pages.filter(({ event }) => NO_FAULT.includes(event))).toEqual([]);
  });

  it('do what DETECTION.md says; make alerts-report writes it', async () => {
    await expect(document(firings)).toMatchFileSnapshot('../../alerts/DETECTION.md');
  });
});
