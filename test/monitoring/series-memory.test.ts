import { expect, it } from 'vitest';
import { LabelTree } from '../../src/monitoring/metrics/label-tree.ts';
import { keptMegabytes } from '../support/garbage.ts';

it('series that are removed leave nothing behind, and take nothing along', async () => {
  const tree = new LabelTree<{ name: string }>(['tool_name', 'status']);
  const stays = { name: 'stays' };
  tree.set({ tool_name: 'stays', status: 'error' }, stays);
  const before = await keptMegabytes();
  for (let each = 0; each < 50_000; each += 1)
    tree.set({ tool_name: `tool_${each}`, status: 'error' }, { name: 'goes' });
  expect((await keptMegabytes()) - before).toBeGreaterThan(10);
  tree.delete({ tool_name: 'stays', status: 'success' });
  tree.delete({ tool_name: 'never', status: 'there' });
  for (let each = 0; each < 50_000; each += 1) tree.delete({ tool_name: `tool_${each}`, status: 'error' });
  expect((await keptMegabytes()) - before).toBeLessThan(2);
  expect(tree.get({ tool_name: 'stays', status: 'error' })).toBe(stays);
});
