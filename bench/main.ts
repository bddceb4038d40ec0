import { availableParallelism } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { keepCollectionsShort } from '../src/short-collections.ts';
import { authorization } from './authorization.ts';
import { mcp, rest } from './calls.ts';
import { monitoring } from './monitoring.ts';
import { scrape } from './scrape.ts';
import { sessions } from './sessions.ts';
import { isolation } from './isolation.ts';
import { markdown, type Row } from './table.ts';
import { tracing } from './tracing.ts';
import { upstreams } from './upstreams.ts';

const PARTS: Readonly<Record<string, (quick: boolean) => Promise<readonly Row[]>>> = {
  rest,
  mcp,
  monitoring,
  tracing,
  authorization,
  scrape,
  sessions,
  upstreams,
  isolation,
};

const { values } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const chosen = values.only?.split(',') ?? Object.keys(PARTS);
const rows: Row[] = [];
// Its own pauses would count as the servers'.
keepCollectionsShort();
const startedAt = performance.now();
for (const name of chosen) {
  const part = PARTS[name];
  if (!part) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(', ')}`);
  console.error(`measuring ${name} …`);
  rows.push(...(await part(values.quick)));
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(`Node ${process.version}, ${availableParallelism()} cores, ${seconds} s\n\n${markdown(rows)}`);
