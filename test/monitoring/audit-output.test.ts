import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { beforeEach, describe, expect, it } from 'vitest';
import { AuditOutput, MAX_WAITING_BYTES } from '../../src/monitoring/audit/audit-output.ts';
import { runHere } from '../support/run-here.ts';
import { startTestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

/** Every write to it fails as on a full disk. */
const FULL = '/dev/full';

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
    for (let event = 0; event < 100; event += 1) {
      if (event === 50) {
        renameSync(path, `${path}.1`);
        expect(output.reopen()).toBe(true);
      }
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
    expect(await output.close()).toMatchObject({ code: 'ENOSPC' });
    expect(output.write(line)).toBe(false);
  });

  it('keeps no process from its end', async () => {
    const module = new URL('../../src/monitoring/audit/audit-output.ts', import.meta.url).href;
    const code = `const { AuditOutput } = await import(${JSON.stringify(module)});
      (await AuditOutput.open('${FULL}')).write('x\\n'); process.exit(7);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code]);
    expect(await once(child, 'exit')).toEqual([7, null]);
  });
});
