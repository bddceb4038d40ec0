import { describe, expect, it } from 'vitest';
import { KnownTools } from '../../src/monitoring/library/known-tools.ts';
import { createMetrics } from '../../src/monitoring/metrics/metrics.ts';
import { Recorder } from '../../src/monitoring/metrics/recorder.ts';
import { parseMetrics } from '../support/metrics-text.ts';

const HOUR = 3600;

function knownTools(max: number) {
  let now = 0;
  const { metrics, registry } = createMetrics();
  const tools = new KnownTools(new Recorder(metrics), max, () => now);
  return {
    tools,
    passes: (seconds: number) => {
      now += seconds;
    },
    shown: async () =>
      parseMetrics(await registry.metrics())
        .select('mcp_tool_info')
        .map(({ labels }) => labels['tool_name']),
    folded: async () =>
      parseMetrics(await registry.metrics()).value('mcp_label_values_folded_total', { label: 'tool_name' }),
  };
}

describe('the table of tools, when it is full,', () => {
  it('gives the place of the tool that was not seen for longest, and for an hour, to a new one', async () => {
    const { tools, passes, shown } = knownTools(2);
    tools.label('a');
    passes(1);
    tools.label('b');
    passes(HOUR);
    expect(tools.label('c')).toBe('c');
    expect(await shown()).toEqual(['b', 'c']);
    expect(tools.label('b')).toBe('b');
    expect(tools.label('a')).toBe('other');
  });

  it('keeps what was seen lately', async () => {
    const { tools, passes, shown, folded } = knownTools(2);
    for (let hour = 0; hour < 48; hour += 1) {
      tools.label('a');
      tools.label('b');
      expect(tools.label('c')).toBe('other');
      passes(HOUR);
    }
    expect(await shown()).toEqual(['a', 'b', 'other']);
    expect(await folded()).toBe(1);
  });

  it('follows a server whose tools are others each day, for ever', async () => {
    const { tools, passes, shown } = knownTools(3);
    for (let day = 0; day < 1000; day += 1) {
      for (const part of ['x', 'y', 'z']) expect(tools.learn(`${part}_${day}`)).toBe(`${part}_${day}`);
      passes(24 * HOUR);
    }
    expect((await shown()).sort()).toEqual(['x_999', 'y_999', 'z_999']);
  });
});

describe('the tools that servers showed to have', () => {
  it('are the last that were shown, however many there were', () => {
    const { tools } = knownTools(1);
    for (let each = 0; each < 30_000; each += 1) tools.learn(`tool_${each}`);
    expect(tools.hasLearned('tool_29999')).toBe(true);
    expect(tools.hasLearned('tool_0')).toBe(false);
  });
});
