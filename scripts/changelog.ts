/** The kinds of changes of Keep a Changelog, in its order. */
export const CHANGE_KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'] as const;
type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface Release {
  /** `Unreleased` or a version. */
  readonly name: string;
  /** The day it was released, as `2026-11-25`; none when it was not. */
  readonly date?: string;
  readonly changes: readonly Change[];
}

export interface Change {
  readonly kind: ChangeKind;
  /** Markdown, on one line. */
  readonly text: string;
}

const RELEASE = /^## (?:Unreleased|\[?(?<version>\d+\.\d+\.\d+(?:-[\w.]+)?)\]? - (?<date>\d{4}-\d\d-\d\d))$/;

/** The releases of a changelog, newest first. Throws, with the line, where it has not the form of Keep a Changelog. */
export function readChangelog(markdown: string): readonly Release[] {
  const releases: (Release & { readonly changes: Change[] })[] = [];
  let kind: ChangeKind | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const release = releases.at(-1);
    const wrong = (what: string): Error => new Error(`CHANGELOG.md:${index + 1}: ${what}: ${line}`);
    if (line.startsWith('## ')) {
      const found = RELEASE.exec(line);
      if (!found) throw wrong('neither "## Unreleased" nor like "## 1.2.3 - 2026-11-25"');
      const { version = 'Unreleased', date } = found.groups ?? {};
      if (release && date === undefined) throw wrong('what is not released stands first');
      if (release?.date !== undefined && date !== undefined && date > release.date)
        throw wrong('newest first');
      releases.push({ name: version, ...(date !== undefined && { date }), changes: [] });
      kind = undefined;
    } else if (line.startsWith('### ')) {
      const next = CHANGE_KINDS.find((some) => line === `### ${some}`);
      if (!next || !release) throw wrong(`not one of ${CHANGE_KINDS.join(', ')} below a release`);
      if (kind && CHANGE_KINDS.indexOf(next) <= CHANGE_KINDS.indexOf(kind)) throw wrong(`out of order`);
      kind = next;
    } else if (line.startsWith('- ')) {
      if (!release || !kind) throw wrong('a change without a kind');
      release.changes.push({ kind, text: line.slice(2) });
    } else if (line !== '' && release) {
      const last = release.changes.pop();
      if (!last || !line.startsWith('  ')) throw wrong('neither a heading nor a change');
      release.changes.push({ ...last, text: `${last.text} ${line.trim()}` });
    }
  }
  return releases;
}
