import { parseDocument, stringify } from 'yaml';
import type { Release } from '../../scripts/changelog.ts';

/** A Chart.yaml with the changes of the newest release, as Artifact Hub takes them: kinds in lower case, no Markdown. */
export function withChanges(chartFile: string, [newest]: readonly Release[]): string {
  const changes = newest?.changes ?? [];
  const chart = parseDocument(chartFile);
  const entries = changes.map(({ kind, text }) => ({ kind: kind.toLowerCase(), description: plain(text) }));
  const annotation = stringify(entries, { lineWidth: 0 });
  const security = String(changes.some(({ kind }) => kind === 'Security'));
  chart.setIn(['annotations', 'artifacthub.io/changes'], annotation);
  chart.setIn(['annotations', 'artifacthub.io/containsSecurityUpdates'], security);
  return chart.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false });
}

const plain = (markdown: string): string =>
  markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/`|\*\*/g, '');
