import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createMonitoring } from '../../src/monitoring/index.ts';
import { scrape } from '../support/instrumented.ts';

class Shop {
  #sold = 0;

  sell(count: number): number {
    this.#sold += count;
    return this.#sold;
  }
}

describe('a measured method', () => {
  it('keeps its object', async () => {
    const monitoring = createMonitoring();
    const sell = monitoring.tool('sell', function (this: Shop, count: number) {
      return this.sell(count);
    });
    const shop = new Shop();
    expect(await sell.call(shop, 3)).toBe(3);
    expect(await Object.assign(shop, { again: sell }).again(2)).toBe(5);
    expect((await scrape(monitoring)).value('mcp_tool_calls_total', { tool_name: 'sell' })).toBe(2);
  });
});

describe('the log line of a measured function', () => {
  const circle: unknown[] = [];
  circle.push(circle);

  it.each([
    ['a number', 3.5, '3.5'],
    ['a text', 'done', 'done'],
    ['an object', { rows: [1, 2] }, '{"rows":[1,2]}'],
    ['a list', ['a', 'b'], '["a","b"]'],
    ['nothing', undefined, 'null'],
    ['a result of MCP', { content: [{ type: 'text', text: 'hi' }] }, '[{"type":"text","text":"hi"}]'],
    ['a big integer', 5n, '[object BigInt]'],
    ['a circle', circle, `${'['.repeat(13)}"…"${']'.repeat(13)}`],
    ['a function', () => 1, '[object Function]'],
  ])('has what it returned, where the options name it: %s', async (_what, returned, logged) => {
    const lines: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line) => void lines.push(line) });
    const monitoring = createMonitoring({ logger, log: { results: ['half'] } });
    expect(await monitoring.tool('half', () => returned)()).toBe(returned);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { tool: 'half', result: logged },
    ]);
  });
});
