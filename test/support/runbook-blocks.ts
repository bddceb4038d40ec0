import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../alerts/runbooks/README.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## Before you paste'), page.indexOf('## Roll back'));

/** What people paste before the commands of runbooks: the names, and the functions of each place, in the order of the page. */
export const BLOCKS: readonly string[] = [...section.matchAll(/```sh\n([^]*?)```/g)].map(
  ([, code = '']) => code,
);
