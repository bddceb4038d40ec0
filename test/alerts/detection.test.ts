import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detect, type Firing } from './detection.ts';
import { document } from './detection-document.ts';
import { FAULTS, ORDINARY } from './events.ts';
import { stopPromtool } from './promtool.ts';

afterAll(stopPromtool);

describe('the alerts', () => {
  let firings: readonly Firing[];

  beforeAll(async () => {
    firings = await detect([...FAULTS, ...ORDINARY]);
  }, 600_000);

  it('fire for every fault, and not before', () => {
    const unnoticed = FAULTS.filter((fault) => !firings.some(({ event }) => event === fault));
    expect(unnoticed.map(({ name }) => name)).toEqual([]);
    expect(firings.filter(({ after }) => after < 0)).toEqual([]);
  });

  it('page within three minutes when all calls fail', () => {
    const outages = firings.filter(
      ({ event, alert }) => event.name === '100 % of calls fail' && alert === 'NexusMCPOutage',
    );
    expect(outages.map(({ after }) => after <= 180)).toEqual([true, true]);
  });

  it('page nobody without a fault', () => {
    const pages = firings.filter(
      ({ event, severity }) => ORDINARY.includes(event) && severity === 'critical',
    );
    expect(pages).toEqual([]);
  });

  it('do what DETECTION.md says; make alerts-report writes it', async () => {
    await expect(document(firings)).toMatchFileSnapshot('../../alerts/DETECTION.md');
  });
});
