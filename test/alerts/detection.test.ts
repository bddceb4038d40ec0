import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { detect, FAULTS, LONG, type Scenario } from '../../alerts/report/detection.ts';
import { parameterList } from '../../alerts/report/document.ts';
import { countInDays } from '../../alerts/report/quiet.ts';
import { Random } from '../../alerts/report/random.ts';
import { alertNames, fingerprint } from '../../alerts/report/rules.ts';
import { Service } from '../../alerts/report/service.ts';
import { parseMetrics } from '../support/metrics-text.ts';
import { startTestServer } from '../support/test-server.ts';

/** What Prometheus writes of every target itself. */
const OF_PROMETHEUS = ['up', 'scrape_samples_scraped'];

const MINUTE = 60;
const DAY = 86_400;

const scenario = (name: string): Scenario => {
  const fault = FAULTS.find((known) => known.name === name);
  if (!fault) throw new Error(`there is no fault "${name}"`);
  return { fault, callsPerSecond: 10 };
};

describe.concurrent('the alerts, in simulations', { timeout: 600_000 }, () => {
  it('page within three minutes when all calls fail, and open a ticket within a day for 2 %', async () => {
    const scenarios = ['100 % of calls fail', '2 % of calls fail'].map(scenario);
    const [outage, leak] = await detect(scenarios, 'test', { ...LONG, faultSeconds: DAY });
    expect(outage?.page?.alert).toBe('NexusMCPOutage');
    expect(outage?.page?.seconds).toBeLessThanOrEqual(3 * MINUTE);
    expect(leak?.page).toBeUndefined();
    expect(leak?.ticket?.alert).toBe('NexusMCPErrorBudgetBurn');
  });

  it('page nobody in four healthy days', async () => {
    const counts = await countInDays([0, 1, 2, 3], 'test');
    expect(counts.filter(({ severity }) => severity === 'critical')).toEqual([]);
  });
});

describe('the simulated series', () => {
  it('are series that a server has', async () => {
    const service = new Service('simulated');
    const random = new Random('test');
    service.pass(1, random);
    service.scrape(0, random);
    const server = await startTestServer();
    const samples = parseMetrics(await (await fetch(`${server.url}/metrics`)).text());
    await server.stop();
    const unknown = [...service.inputSeries()].filter(({ series }) => {
      const [, name = '', text = ''] = /^(\w+)\{(.*)\}$/.exec(series) ?? [];
      const labels = [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [
        label,
        value,
      ]);
      const own = labels.filter(
        ([label = '']) => !['job', 'namespace', 'instance', 'tool_name'].includes(label),
      );
      return (
        !OF_PROMETHEUS.includes(name) &&
        samples.select(name, Object.fromEntries(own) as Record<string, string>).length === 0
      );
    });
    expect(unknown).toEqual([]);
  });
});

describe('DETECTION.md', () => {
  const text = readFileSync(new URL('../../alerts/DETECTION.md', import.meta.url), 'utf8');
  const named = new Set([...text.matchAll(/\[(NexusMCP\w+)\]/g)].map(([, name]) => name));

  it('was measured with the present rules; make alerts-report ARGS=--write measures again', () => {
    expect(text).toContain(`\`${fingerprint()}\``);
    expect(text).toContain(parameterList());
  });

  it('names only alerts that exist', () => {
    expect(named.size).toBeGreaterThan(0);
    expect(alertNames()).toEqual(expect.arrayContaining([...named]));
  });
});
