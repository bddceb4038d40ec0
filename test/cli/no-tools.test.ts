import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { startTestServer } from '../support/test-server.ts';

const NONE: readonly (readonly [what: string, flags: readonly string[]])[] = [
  ['all are disabled', ['--tools.disabled', '*']],
  ['those enabled are disabled', ['--tools.enabled', 'time', '--tools.disabled', 'current_timestamp,time']],
];

async function runHere(argv: readonly string[]) {
  const written = { stdout: '', stderr: '' };
  const code = await run({
    argv,
    env: {},
    directory: '.',
    version: '0.0.0',
    now: () => performance.now() / 1000,
    unixTime: () => Date.now() / 1000,
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
    stopRequested: new Promise(() => undefined),
  });
  return { code, ...written };
}

describe('a configuration that offers no tool', () => {
  it.each(NONE)('is warned of, where %s', async (_what, flags) => {
    for (const command of ['check', 'tools']) {
      const { code, stderr } = await runHere([command, ...flags]);
      expect(code).toBe(0);
      expect(stderr).toBe(
        'nexus-mcp: no tool is offered: tools.enabled and tools.disabled leave out all of them\n',
      );
    }
  });

  it('is warned of once in the log of a server, which starts', async () => {
    const server = await startTestServer({ tools: { disabled: ['*'] } });
    try {
      const warnings = server.logs.filter(({ level }) => level === 'warn');
      expect(warnings).toEqual([
        expect.objectContaining({ msg: expect.stringMatching(/no tool is offered/) as string }),
      ]);
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });
});

it('one tool is no cause for a warning', async () => {
  for (const command of ['check', 'tools']) {
    const { stderr } = await runHere([command, '--tools.enabled', 'current_timestamp']);
    expect(stderr).toBe('');
  }
});
