import { readdirSync, readFileSync } from 'node:fs';

const ROOT = new URL('../../', import.meta.url);
const RUNBOOKS = 'alerts/runbooks/';
const PAGES = ['docs/metrics.md', 'docs/observability.md', 'alerts/README.md', 'alerts/runbooks/README.md'];

/** A document with queries, by its path in the repository. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

/** A query that a document tells people to paste. */
export interface DocumentedQuery {
  /** Where it stands: `docs/metrics.md:120`. */
  readonly place: string;
  readonly query: string;
}

/** A document by its path in the repository. */
export const readDocument = (path: string): Document => ({
  path,
  text: readFileSync(new URL(path, ROOT), 'utf8'),
});

/** The runbooks, one for each file of an alert. */
export const runbooks = (): readonly Document[] =>
  readdirSync(new URL(RUNBOOKS, ROOT))
    .filter((name) => name !== 'README.md')
    .map((name) => readDocument(`${RUNBOOKS}${name}`));

/** All queries of the runbooks and of the documents beside them, for a test that puts them to a real Prometheus. */
export const documentedQueries = (): readonly DocumentedQuery[] =>
  [...PAGES.map(readDocument), ...runbooks()].flatMap(queriesIn);

/** The queries in a document's promql blocks: one a line; a line that is indented continues the one before. */
export function queriesIn({ path, text }: Document): readonly DocumentedQuery[] {
  const queries: { place: string; query: string }[] = [];
  let indent: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^( *)```(\w*)$/.exec(line);
    if (fence) {
      indent = fence[2] === 'promql' ? fence[1] : undefined;
      continue;
    }
    if (indent === undefined) continue;
    const code = line.slice(indent.length);
    const last = queries.at(-1);
    if (/^\s+\S/.test(code) && last) last.query += `\n${code}`;
    else if (/^[^#\s]/.test(code)) queries.push({ place: `${path}:${index + 1}`, query: code });
  }
  return queries;
}
