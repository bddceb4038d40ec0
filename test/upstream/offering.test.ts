import { ListToolsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { readDefinitions, type Listed } from '../../src/upstream/definitions.ts';
import { offering } from '../../src/upstream/offering.ts';
import { offeredName } from '../../src/upstream/tool-names.ts';
import { oneOf, randomFrom } from './random.ts';

const tool = (name: unknown, more: object = {}) => ({ name, inputSchema: { type: 'object' }, ...more });
const ALL = { include: ['*'], exclude: [] };
const listOf = (prefix: string, ...names: readonly unknown[]): Listed =>
  readDefinitions(
    names.map((name) => tool(name)),
    { prefix, ...ALL },
  );
const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const PARTS = ['a', 'Z', '9', '_', '-', '.', '/', ' ', 'é', '💡', 'long'.repeat(12)];

function randomName(random: () => number): string {
  return Array.from({ length: 1 + Math.floor(random() * 6) }, () => oneOf(PARTS, random)).join('');
}

describe('the name of an upstream tool', () => {
  it('is its own behind the prefix, where hosts take that', () => {
    expect(offeredName('weather_', 'forecast')).toBe('weather_forecast');
    expect(offeredName('', 'a'.repeat(64))).toBe('a'.repeat(64));
  });

  it('is one that hosts take, and another for each other name', () => {
    const random = randomFrom(11);
    const names = new Map<string, string>();
    for (let made = 0; made < 1000; made += 1) {
      const whole = randomName(random);
      const name = offeredName('p_', whole) ?? '';
      expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      expect(names.get(name) ?? whole).toBe(whole);
      names.set(name, whole);
    }
  });

  it('is none for what is no name', () => {
    for (const none of ['', 5, null, undefined, {}, 'x'.repeat(257)])
      expect(offeredName('p_', none)).toBeUndefined();
    // Calls to tools that do not exist are counted under it.
    expect(offeredName('', 'unknown')).toMatch(/^unknown_[0-9a-f]{8}$/);
  });
});

describe('what is offered of an upstream', () => {
  it('is a tool under its name, with what the upstream says of it and nothing of its connection', () => {
    const given = tool('forecast', {
      title: 'Forecast',
      description: 'Says what comes.',
      annotations: { readOnlyHint: true },
      icons: [{ src: 'https://example.com/icon.png' }],
      outputSchema: { type: 'object' },
      execution: { taskSupport: 'optional' },
      _meta: { 'example.com/team': 'sky', 'io.modelcontextprotocol/subscriptionId': '1' },
    });
    const [definition] = readDefinitions([given], { prefix: 'w_', ...ALL }).definitions;
    expect(definition?.ownName).toBe('forecast');
    expect(definition?.listing).toEqual({
      name: 'w_forecast',
      title: 'Forecast',
      description: 'Says what comes.',
      annotations: { readOnlyHint: true },
      icons: [{ src: 'https://example.com/icon.png' }],
      inputSchema: { type: 'object' },
      outputSchema: { type: 'object' },
      _meta: { 'example.com/team': 'sky' },
    });
  });

  it('leaves out by reason what cannot be offered, or is not wanted', () => {
    const listed = readDefinitions(
      [
        tool('good'),
        tool(''),
        tool('secret'),
        tool('other'),
        tool('odd', { inputSchema: { type: 'string' } }),
        tool('vast', { description: 'x'.repeat(70_000) }),
        'no tool',
      ],
      { prefix: 'p_', include: ['good', 'secret', 'odd', 'vast'], exclude: ['secret'] },
    );
    expect(listed.definitions.map(({ ownName }) => ownName)).toEqual(['good']);
    expect(listed.dropped).toEqual({ name: 2, excluded: 2, schema: 2, collision: 0, limit: 0 });
    expect(listed.leftOut).toEqual(['odd', 'vast']);
  });

  it('is taken over from the list before where it is the same, and read anew where it is not', () => {
    const options = { prefix: 'p_', ...ALL };
    const before = readDefinitions([tool('same'), tool('other'), tool('gone')], options).definitions;
    const given = [tool('other', { description: 'New.' }), tool('same')];
    const now = readDefinitions(given, options, before).definitions;
    expect(now[1]).toBe(before[0]);
    expect(now[0]?.listing).toMatchObject({ name: 'p_other', description: 'New.' });
    expect(now).toEqual(readDefinitions(given, options).definitions);
  });

  it('leaves out a tool that is nested without end, and no other', () => {
    const deep: unknown = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000));
    const listed = readDefinitions([tool('deep', { _meta: { deep } }), tool('good')], { prefix: '', ...ALL });
    expect(listed.definitions.map(({ ownName }) => ownName)).toEqual(['good']);
    expect(listed.dropped.schema).toBe(1);
  });

  it('is what clients of the 2025 era take, too: they refuse a whole list for one tool', () => {
    const object = (more: object) => ({ type: 'object', ...more });
    const given = [
      tool('any', { inputSchema: object({ properties: { a: true, b: false } }) }),
      tool('number', { inputSchema: object({ properties: { a: 5 } }) }),
      tool('required', { outputSchema: object({ required: 'a' }) }),
      tool('result', { outputSchema: object({ properties: { a: true } }) }),
    ];
    const { definitions, dropped } = readDefinitions(given, { prefix: '', ...ALL });
    expect(ListToolsResultSchema.safeParse({ tools: definitions.map(({ listing }) => listing) }).error).toBe(
      undefined,
    );
    expect(definitions.map(({ ownName }) => ownName)).toEqual(['any', 'result']);
    expect(definitions[0]?.listing.inputSchema).toEqual(object({ properties: { a: {}, b: { not: {} } } }));
    expect(dropped.schema).toBe(2);
  });

  it('gives a name to the first upstream in order, whoever lists it first, and none of ours away', () => {
    const [first, second] = [listOf('', 'a', 'ours'), listOf('', 'a', 'b', 'b')];
    const offers = (lists: readonly (Listed | undefined)[]) =>
      offering(lists, (name) => name === 'ours', 100).map(({ offered, dropped }) => [
        offered.map(({ listing }) => listing.name),
        dropped.collision,
      ]);
    expect(offers([undefined, second])).toEqual([
      [[], 0],
      [['a', 'b'], 1],
    ]);
    expect(offers([first, second])).toEqual([
      [['a'], 1],
      [['b'], 2],
    ]);
  });

  it('and what is dropped make up what is listed, and no other upstream moves a name, whatever comes and goes', () => {
    const random = randomFrom(5);
    for (let run = 0; run < 40; run += 1) {
      const lists = Array.from({ length: 4 }, (_, index) =>
        listOf(
          random() < 0.3 ? '' : `u${index}_`,
          ...Array.from({ length: Math.floor(random() * 8) }, () =>
            random() < 0.1 ? 7 : randomName(random),
          ),
        ),
      );
      const most = 1 + Math.floor(random() * 20);
      const offered = offering(lists, (name) => name === 'a', most);
      for (const [index, { offered: some, dropped }] of offered.entries())
        expect(some.length + sum(dropped)).toBe(lists[index]?.tools);
      const all = offered.flatMap((each) => each.offered.map(({ listing }) => listing.name));
      expect(new Set(all).size).toBe(all.length);
      expect(all.length).toBeLessThanOrEqual(most);
      const alone = new Map(
        lists.flatMap(({ definitions }, index) =>
          definitions.map(({ ownName, listing }) => [`${index} ${ownName}`, listing.name] as const),
        ),
      );
      for (const [index, { offered: some }] of offered.entries())
        for (const { ownName, listing } of some) expect(listing.name).toBe(alone.get(`${index} ${ownName}`));
    }
  });
});
