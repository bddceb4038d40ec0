import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { argumentsOf, hasCurl, shell } from './support/shell.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [tour = ''] = /\n## A tour[^]*?(?=\n## )/.exec(README) ?? [];
const [start = '', ...steps] = [...tour.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block);

/** A line without the time that a call took, which is never the same. */
const timeless = (text: string): string => text.replace(/(?<="execution_time":)[^,}]+/g, '');

/** The parts of what a step prints, by the comments below its commands; an ellipsis leaves something out. */
const printedBy = (step: string): readonly string[] =>
  [...step.matchAll(/^# (.*)$/gm)].flatMap(([, line = '']) => timeless(line).split('…'));

describe('the tour of the README', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer({ args: argumentsOf(start) });
  });
  afterAll(() => server.stop());

  it('has steps', () => {
    expect(steps.length).toBeGreaterThanOrEqual(4);
  });

  it.for(steps)('prints what it says: %s', (step, { skip }) => {
    skip(!hasCurl, 'curl is not installed');
    const output = shell(step.replaceAll('localhost:9999', `127.0.0.1:${server.port}`));
    const parts = printedBy(step);
    expect(parts.length).toBeGreaterThan(0);
    for (const part of parts) expect(timeless(output)).toContain(part);
  });
});
