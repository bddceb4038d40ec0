import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import type { Status } from '../src/http/status-page/status.ts';
import { endCommands, startCommand } from './support/command-process.ts';
import { EVERYTHING } from './support/everything.ts';
import { providePythonSdk } from './support/python.ts';
import { freePorts } from './support/replicas.ts';
import { startServer, type ServerProcess } from './support/server-process.ts';
import { argumentsOf, hasCurl, shell } from './support/shell.ts';
import { waitFor } from './support/wait.ts';

const DOCUMENT = readFileSync(new URL('../docs/upstreams.md', import.meta.url), 'utf8');
const [example = ''] = /\n## Try it[^]*?(?=\n## )/.exec(DOCUMENT) ?? [];
const blocks = (language: string): readonly string[] =>
  [...example.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, of, block = '']) =>
    of === language ? [block] : [],
  );
const [npx = '', run = ''] = blocks('sh');
const [weather = ''] = blocks('python');
const [make = '', curl = ''] = run.split('\n');

const directory = mkdtempSync(join(tmpdir(), 'example-'));
/** Takes the place of npx: the package is here. */
writeFileSync(
  join(directory, 'npx'),
  `#!/bin/sh\nshift 2\nexec '${process.execPath}' '${EVERYTHING}' "$@"\n`,
  {
    mode: 0o755,
  },
);

/** The ports of the example are those of somebody else, perhaps. */
const PORTS = [3001, 8000, 9999];
let ports: readonly number[];
const here = (text: string): string =>
  PORTS.reduce((changed, port, index) => changed.replaceAll(String(port), String(ports[index])), text);
const urlOf = (index: number): string => `http://127.0.0.1:${String(ports[index])}`;

let python: { readonly missing?: string };
let server: ServerProcess;

/** Starts the one in Python, or says why there is none here. */
async function startWeather(): Promise<typeof python> {
  const sdk = await providePythonSdk();
  if ('missing' in sdk) return sdk;
  const file = join(directory, 'weather.py');
  writeFileSync(file, here(weather));
  await startCommand('python3', [file], `${urlOf(1)}/mcp`, sdk);
  return {};
}

beforeAll(async () => {
  ports = await freePorts(PORTS.length);
  const PATH = [directory, process.env['PATH'] ?? ''].join(delimiter);
  [, python] = await Promise.all([
    startCommand('sh', ['-c', here(npx)], `${urlOf(0)}/mcp`, { PATH }),
    startWeather(),
  ]);
  server = await startServer({ args: [...argumentsOf(here(make)), '--server.port', String(ports[2])] });
}, 300_000);

afterAll(async () => {
  try {
    await server.stop();
  } finally {
    endCommands();
  }
});

const statusOf = async (): Promise<Status> => (await (await fetch(server.url)).json()) as Status;

const needsPython = ({ skip }: TestContext): void => {
  if (python.missing === undefined) return;
  process.stderr.write(`skipped: ${python.missing}\n`);
  skip(python.missing);
};

describe('the example with two upstreams', () => {
  it('has what it is made of', () => {
    expect(npx).toContain('npx -y @modelcontextprotocol/server-everything streamableHttp');
    expect(make).toMatch(/^make run ARGS=/);
    expect(curl).toMatch(/^curl .*weather_forecast/);
  });

  it('shows them on the page at /', async (test) => {
    needsPython(test);
    await waitFor(async () => {
      expect((await statusOf()).upstreams).toMatchObject([
        { name: 'everything', state: 'up' },
        { name: 'weather', state: 'up', tools: 1 },
      ]);
    });
  });

  it('calls a tool of the one in Python', (test) => {
    needsPython(test);
    test.skip(!hasCurl, 'curl is not installed');
    expect(JSON.parse(shell(here(curl)))).toMatchObject({
      status: 'success',
      result: { result: 'Rain in Oslo.' },
    });
  });

  it('calls a tool of the one in TypeScript, and the page knows of the call', async () => {
    await waitFor(async () => {
      expect((await statusOf()).upstreams).toMatchObject([{ name: 'everything', state: 'up' }, {}]);
    });
    const response = await fetch(`${server.url}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ tool_name: 'everything_echo', arguments: { message: 'hi' } }),
    });
    expect(await response.json()).toMatchObject({ status: 'success', result: 'Echo: hi' });
    const { activity } = await statusOf();
    expect(activity?.tools.find(({ name }) => name === 'everything_echo')).toMatchObject({ calls: 1 });
  });
});
