import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  mkdirSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { beforeEach, describe, expect, it } from 'vitest';
import { AuditOutput } from '../../src/monitoring/audit/audit-output.ts';
import { MAX_WAITING_BYTES, type Sink } from '../../src/monitoring/line-output.ts';
import { FULL } from '../support/full-file.ts';
import { runHere } from '../support/run-here.ts';
import { startTestServer } from '../support/test-server.ts';
import { waitFor, waitUntil } from '../support/wait.ts';

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'audit-')), 'audit.jsonl');
});

const linesIn = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the audit file', () => {
  it('has the events and nothing else, also those of the last moment, and only its group may read it', async () => {
    const server = await startTestServer({ audit: { enabled: true, file: path } });
    await Promise.all(Array.from({ length: 50 }, () => server.execute('echo', { text: 'x' })));
    await server.stop();
    expect(linesIn(path)).toHaveLength(50);
    expect(new Set(linesIn(path).map(({ event }) => event))).toEqual(new Set(['call']));
    expect(server.logs.filter(({ stream }) => stream === 'audit')).toEqual([]);
    expect(statSync(path).mode & 0o007).toBe(0);
  });

  it('is another one after it was moved away and opened again, and no event is lost by that', async () => {
    const output = await AuditOutput.open(path);
    const told = toldBy(output);
    for (let event = 0; event < 100; event += 1) {
      if (event === 50) {
        renameSync(path, `${path}.1`);
        expect(output.reopen()).toBe(true);
      }
      if (event === 90) await waitUntil(() => told.includes('reopened'));
      output.write(`{"event":${event}}\n`);
    }
    expect(await output.close()).toBeUndefined();
    const written = [...linesIn(`${path}.1`), ...linesIn(path)].map(({ event }) => event);
    expect(written).toEqual(Array.from({ length: 100 }, (_, event) => event));
    expect(linesIn(path).at(-1)).toEqual({ event: 99 });
  });

  it('that cannot be opened is said at once', async () => {
    await expect(AuditOutput.open(join(path, 'nowhere'))).rejects.toThrow('ENOENT');
  });
});

/** A disk that writes as its plan says: `full`, so many bytes, or else all. */
const disk =
  (plan: ('full' | number)[], tries: number[] = []): ((fd: number) => Sink) =>
  (fd) =>
  (chunk, done) => {
    tries.push(performance.now());
    const next = plan.shift() ?? chunk.length;
    if (next === 'full') done(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    else
      setImmediate(() => {
        done(null, writeSync(fd, chunk.subarray(0, next)));
      });
  };

/** What an output tells of. */
function toldBy(output: AuditOutput): string[] {
  const told: string[] = [];
  output.observe({
    failed: (_error, what) => told.push(`${what} failed`),
    well: () => told.push('well'),
    reopened: () => told.push('reopened'),
  });
  return told;
}

describe('a file that cannot be opened again', () => {
  it('is tried each second until it can, and all is not well before', async () => {
    const output = await AuditOutput.open(path);
    const told = toldBy(output);
    renameSync(dirname(path), `${dirname(path)}.away`);
    output.reopen();
    // Whoever asks twice has it tried no more often.
    output.reopen();
    await waitUntil(() => told.length >= 3);
    output.write('{"event":1}\n');
    await waitUntil(() => readFileSync(`${dirname(path)}.away/audit.jsonl`, 'utf8') !== '');
    expect(told).not.toContain('well');
    mkdirSync(dirname(path));
    await waitUntil(() => told.includes('reopened'));
    expect(told.slice(told.indexOf('reopened'))).toEqual(['reopened', 'well']);
    output.write('{"event":2}\n');
    await output.close();
    expect(linesIn(path)).toEqual([{ event: 2 }]);
  });

  it('because it is none any more is not written', async () => {
    const output = await AuditOutput.open(path);
    const told = toldBy(output);
    rmSync(path);
    execFileSync('mkfifo', [path]);
    output.reopen();
    await waitUntil(() => told.includes('reopen failed'));
    await output.close();
  });
});

describe('a line of which a part is written', () => {
  it('is written to its end, or is in the new file as a whole', async () => {
    const output = await AuditOutput.open(path, disk([5, 'full', 12, 13, 'full']));
    const told = toldBy(output);
    const lines = [1, 2, 3].map((event) => `{"event":${event}}\n`);
    for (const line of lines) output.write(line);
    await waitUntil(() => told.filter((each) => each === 'write failed').length === 2);
    renameSync(path, `${path}.1`);
    output.reopen();
    await waitUntil(() => told.includes('reopened'));
    expect(await output.close()).toBeUndefined();
    expect(readFileSync(`${path}.1`, 'utf8')).toBe(lines.join('').slice(0, 25));
    expect(readFileSync(path, 'utf8')).toBe(lines[2]);
  });
});

describe('a write that failed', () => {
  it('is tried again once in a second, however many events come', async () => {
    const tries: number[] = [];
    const output = await AuditOutput.open(path, disk(['full', 'full', 'full'], tries));
    const told = toldBy(output);
    let events = 0;
    const coming = setInterval(() => output.write(`{"event":${(events += 1)}}\n`), 1);
    await waitUntil(() => told.includes('well'));
    clearInterval(coming);
    await output.close();
    expect(told.filter((each) => each === 'write failed')).toHaveLength(3);
    // Timers of Node may be a moment early.
    expect((tries[3] ?? 0) - (tries[0] ?? 0)).toBeGreaterThan(2900);
    expect(linesIn(path)).toHaveLength(events);
  });
});

describe('a command', () => {
  it('that serves does not start when the file cannot be opened', async () => {
    const nowhere = join(path, 'nowhere');
    const { code, stderr } = await runHere(['serve', '--audit.enabled', 'true', '--audit.file', nowhere]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^nexus-mcp: audit\.file: cannot be opened: ENOENT/),
    ]);
  });

  it('that does not serve writes no events, and makes no file', async () => {
    for (const command of [['check'], ['call', 'add', '{"a":1,"b":2}']]) {
      const { code } = await runHere([...command, '--audit.enabled', 'true', '--audit.file', path]);
      expect(code).toBe(0);
    }
    expect(existsSync(path)).toBe(false);
  });
});

describe('a full disk', () => {
  it('costs no call, and what is lost is counted', async () => {
    const server = await startTestServer({ audit: { enabled: true, file: FULL } });
    const { status } = await server.execute('echo', { text: 'x' });
    expect(status).toBe(200);
    await waitFor(async () => {
      expect((await server.scrape()).value('mcp_audit_write_errors_total')).toBeGreaterThan(1);
    });
    const samples = await server.scrape();
    // It is kept, and tried again.
    expect(samples.value('mcp_audit_events_total', { outcome: 'accepted' })).toBe(1);
    expect(samples.value('mcp_audit_events_total', { outcome: 'lost' })).toBe(0);
    const page = await fetch(server.url, { headers: { accept: 'application/json' } });
    expect(await page.json()).toMatchObject({ verdict: { headline: 'The audit output fails' } });
    expect(await server.stop()).toBe(true);
    const said = server.logs.filter(({ msg }) => /^(the last )?audit events/.test(String(msg)));
    expect(said.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'audit events cannot be written; they are kept as long as there is room'],
      ['error', 'the last audit events are lost: they could not be written'],
    ]);
  });

  it('has no more kept than there is room for', async () => {
    const output = await AuditOutput.open(FULL);
    const line = `${'x'.repeat(65_535)}\n`;
    const taken = Array.from({ length: 100 }, () => output.write(line));
    expect(taken.filter(Boolean)).toHaveLength(MAX_WAITING_BYTES / line.length);
    expect(await output.close()).toMatchObject({ code: 'EINVAL' });
    expect(output.write(line)).toBe(false);
    expect(output.refusedAfterClose).toBe(1);
  });

  it('keeps no process from its end', async () => {
    const module = new URL('../../src/monitoring/audit/audit-output.ts', import.meta.url).href;
    const code = `const { AuditOutput } = await import(${JSON.stringify(module)});
      (await AuditOutput.open('${FULL}')).write('x\\n'); process.exit(7);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code]);
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});
