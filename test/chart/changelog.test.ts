import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withChanges } from '../../charts/source/chart-file.ts';
import { readChangelog } from '../../scripts/changelog.ts';

it('the changelog is in the form of Keep a Changelog, and its newest section says something', () => {
  const [newest] = readChangelog(readFileSync('CHANGELOG.md', 'utf8'));
  expect(newest?.changes.length).toBeGreaterThan(0);
  for (const { text } of newest?.changes ?? []) expect(text).toMatch(/\.$/);
});

const TEXT = `# Changelog

Some words.

## Unreleased

### Added

- One thing,
  on two lines.

### Security

- See [the advice](https://example.com).

## 1.0.0 - 2026-01-02

### Fixed

- \`*.example.com\` is **a** name.
`;

it('is read by release and kind', () => {
  expect(readChangelog(TEXT)).toEqual([
    {
      name: 'Unreleased',
      changes: [
        { kind: 'Added', text: 'One thing, on two lines.' },
        { kind: 'Security', text: 'See [the advice](https://example.com).' },
      ],
    },
    {
      name: '1.0.0',
      date: '2026-01-02',
      changes: [{ kind: 'Fixed', text: '`*.example.com` is **a** name.' }],
    },
  ]);
});

it.each([
  ['a heading that is no kind', '### Added', '### New', 'CHANGELOG.md:7: not one of Added'],
  ['a kind out of order', '### Security', '### Added', 'CHANGELOG.md:12: out of order'],
  ['a change of no kind', '### Added\n', '', 'CHANGELOG.md:8: a change without a kind'],
  ['a release without a day', '1.0.0 - 2026-01-02', '1.0.0', 'CHANGELOG.md:16: neither'],
  ['an older release first', '## Unreleased', '## 1.1.0 - 2025-01-02', 'CHANGELOG.md:16: newest first'],
  ['what is not released below', '## 1.0.0 - 2026-01-02', '## Unreleased', 'CHANGELOG.md:16: what is not'],
  ['text between changes', '  on two', 'on two', 'CHANGELOG.md:10: neither'],
])('%s is refused, with its line', (_what, from, to, problem) => {
  expect(() => readChangelog(TEXT.replace(from, to))).toThrow(problem);
});

it('gives Artifact Hub its kinds, and texts without Markdown', () => {
  const [unreleased, first] = readChangelog(TEXT);
  const chart = "name: x # kept\nannotations:\n  other: '1'\n";
  expect(withChanges(chart, unreleased ? [unreleased] : [])).toBe(`name: x # kept
annotations:
  other: '1'
  artifacthub.io/changes: |
    - kind: added
      description: One thing, on two lines.
    - kind: security
      description: See the advice.
  artifacthub.io/containsSecurityUpdates: 'true'
`);
  expect(withChanges(chart, first ? [first] : [])).toContain('description: "*.example.com is a name."');
});
