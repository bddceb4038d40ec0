import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { settingsSchema } from '../src/config/settings.ts';
import { sourcesOfPicture } from './browser/pictured-status.ts';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENTS = globSync('**/*.md', {
  cwd: ROOT,
  exclude: (name) => /(^|\/)(node_modules|dist|coverage)(\/|$)/.test(name),
});

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** A document without its code, in which brackets are no links and number signs no headings. */
const proseOf = (path: string): string =>
  read(path)
    .replace(/^( *)```[^]*?^\1```$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ''));

/** The anchors that GitHub gives headings: in lower case, without punctuation, hyphens for spaces, numbered when repeated. */
function anchorsOf(path: string): readonly string[] {
  const seen = new Map<string, number>();
  return [...proseOf(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** The links of a document within the repository, as paths in it, with their anchors. */
const linksOf = (path: string): readonly { readonly target: string; readonly anchor: string | undefined }[] =>
  [...proseOf(path).matchAll(/\]\((?![a-z]+:)([^)\s#]*)(?:#([^)\s]+))?\)/g)].map(([, link = '', anchor]) => ({
    target: link === '' ? path : relative(ROOT, join(ROOT, dirname(path), link)),
    anchor,
  }));

describe('the README', () => {
  it('is short enough to be read to its end', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(180);
  });

  it('leads to every page of docs, itself', () => {
    const linked = linksOf('README.md').map(({ target }) => target);
    const pages = DOCUMENTS.filter((path) => path.startsWith('docs/'));
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.filter((page) => !linked.includes(page))).toEqual([]);
  });

  it('has a picture of the page as it is now; make screenshots takes another', () => {
    expect(statSync(join(ROOT, 'docs/status-page.png')).size).toBeLessThan(100_000);
    expect(JSON.parse(read('docs/status-page.json'))).toEqual({ sources: sourcesOfPicture() });
  });
});

it('the page on examples leads to every one of them', () => {
  const linked = linksOf('examples/README.md').map(({ target }) => target);
  const examples = globSync('examples/**/*.{ts,js,cjs,json}', { cwd: ROOT });
  expect(examples.length).toBeGreaterThan(15);
  expect(examples.filter((path) => !linked.includes(path))).toEqual([]);
});

it.each(DOCUMENTS)('the links of %s lead to what is there', (path) => {
  const broken = linksOf(path).filter(
    ({ target, anchor }) =>
      !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

const GROUPS: ReadonlySet<string> = new Set(Object.keys(settingsSchema.shape));

/** The configurations that a document shows: blocks of YAML with groups of settings. */
const configurationsIn = (path: string): readonly unknown[] =>
  [...read(path).matchAll(/^```yaml\n([^]*?)^```$/gm)]
    .map(([, text = '']): unknown => parse(text))
    .filter((value) => Object.keys(value as object).every((key) => GROUPS.has(key)));

it('configurations in documents are ones that the server takes', () => {
  const shown = DOCUMENTS.filter((path) => /^(README\.md$|docs\/)/.test(path)).flatMap(configurationsIn);
  expect(shown.length).toBeGreaterThanOrEqual(5);
  for (const configuration of shown) expect(settingsSchema.parse(configuration)).toBeDefined();
});

it('a number in brackets after a setting, as in `limits.burst` (500), is its default', () => {
  const defaults: Readonly<Record<string, object>> = settingsSchema.parse({});
  const defaultOf = (group: string, key: string): unknown =>
    Object.entries(defaults[group] ?? {}).find(([name]) => name === key)?.[1];
  const stated = DOCUMENTS.filter((path) => path !== 'CHANGELOG.md').flatMap((path) =>
    [...read(path).matchAll(/\b(\w+)\.(\w+)`? \((?:default )?([\d.]+)\)/g)]
      .filter(([, group = '', key = '']) => defaultOf(group, key) !== undefined)
      .map(([, group = '', key = '', number]) => ({ path, group, key, number })),
  );
  expect(stated.length).toBeGreaterThan(2);
  expect(stated.filter(({ group, key, number }) => defaultOf(group, key) !== Number(number))).toEqual([]);
});

it('CONTRIBUTING.md names files that are there', () => {
  const named = [...read('CONTRIBUTING.md').matchAll(/`((?!nexus-mcp\/)[\w.-]+\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  );
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
