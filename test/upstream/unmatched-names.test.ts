import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UnmatchedNames } from '../../src/upstream/unmatched-names.ts';
import { answer, RawUpstream } from '../support/raw-upstream.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { waitFor } from '../support/wait.ts';

const MESSAGE = 'settings of an upstream name tools that it does not have';

describe('names of tools in the settings of an upstream', () => {
  /** What is told of each list in turn. */
  function told(
    tools: { readonly include?: readonly string[]; readonly exclude?: readonly string[] },
    ...lists: readonly (readonly string[])[]
  ): unknown[] {
    const all: unknown[] = [];
    const logger = { warn: (facts: object, message: string) => all.push({ ...facts, message }) };
    const spec = { name: 'bank', prefix: 'br_', tools: { include: ['*'], exclude: [], ...tools } };
    const names = new UnmatchedNames(spec, logger as never);
    for (const list of lists) names.check(new Set(list));
    return all;
  }

  it('that no tool has are told of, with the ones that may be meant', () => {
    const tools = {
      include: ['open_branch', 'br_open_account', 'zebra'],
      exclude: ['br_close_branch', 'br_close_brnch'],
    };
    const list = ['open_branch', 'open_account', 'close_branch'];
    expect(told(tools, list)).toEqual([
      {
        upstream: 'bank',
        problems: [
          'include names no tool of the upstream: br_open_account; did you mean open_account?',
          'include names no tool of the upstream: zebra',
          'exclude names no tool of the upstream: br_close_branch; did you mean close_branch?',
          'exclude names no tool of the upstream: br_close_brnch; did you mean close_branch?',
        ],
        message: MESSAGE,
      },
    ]);
  });

  it('are told of again only when they are others', () => {
    const all = told({ exclude: ['a', 'b'] }, ['a'], ['a', 'c'], [], ['a', 'b'], ['a']);
    expect(all.map((each) => (each as { problems: unknown[] }).problems.length)).toEqual([1, 2, 1]);
  });

  it('that tools have are no problem, nor is *', () => {
    expect(told({ exclude: ['a', '*'] }, ['a'])).toEqual([]);
  });

  it('are told of in bounds', () => {
    const many = Array.from(
      { length: 1000 },
      (_, index) => `close_branc${String.fromCodePoint(0x4e00 + index)}`,
    );
    const [{ problems }] = told(
      { exclude: many },
      many.map((name) => `${name}!`),
    ) as [{ problems: string[] }];
    expect(problems).toHaveLength(20);
    expect(problems[0]?.length).toBeLessThan(200);
  });
});

describe('a server with an upstream whose tools.exclude has the prefix', () => {
  const upstream = new RawUpstream();
  let server: TestServer;
  beforeAll(async () => {
    const tools = [{ name: 'close_branch', inputSchema: { type: 'object' } }];
    upstream.behaviour = { 'tools/list': (message, response) => answer(response, message, { tools }) };
    const url = await upstream.listen();
    const entry = { name: 'bank', url, prefix: 'br_', tools: { exclude: ['br_close_branch'] } };
    server = await startTestServer({ tools: { enabled: ['add'] }, upstreams: [entry] });
  });
  afterAll(async () => {
    await server.stop();
    await upstream.close();
  });

  it('warns of it in the log and at GET /', async () => {
    const why = 'exclude names no tool of the upstream: br_close_branch; did you mean close_branch?';
    await waitFor(() => {
      expect(server.logs.find(({ msg }) => msg === MESSAGE)).toMatchObject({
        upstream: 'bank',
        problems: [why],
      });
    });
    const status = await fetch(`${server.url}/`, { headers: { accept: 'application/json' } });
    expect(await status.json()).toMatchObject({ upstreams: [{ name: 'bank', why }] });
  });
});
