import { EmptyResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, connectV1Client, ERAS } from '../support/clients.ts';
import { endCommands } from '../support/command-process.ts';
import { startEverything } from '../support/everything.ts';
import { Party, refusal, timeless } from '../support/parties.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { areUp } from './state-now.ts';

/** However busy the machine is. */
const PATIENT = { silence: 3600, answer: 60 };

let everything: string;
let server: TestServer;
let direct: Party;
let relayed: Party;

beforeAll(async () => {
  everything = await startEverything();
  server = await startTestServer(
    {
      limits: { callsPerSecond: 0 },
      tools: { enabled: ['add'] },
      upstreams: [{ name: 'everything', url: `${everything}/mcp`, timeoutSeconds: 60 }],
    },
    undefined,
    PATIENT,
  );
  await areUp(server, 'everything');
  direct = await Party.connect(everything);
  relayed = await Party.connect(relayUrl());
});

afterAll(async () => {
  try {
    await Promise.all([direct.client.close(), relayed.client.close()]);
    expect(await server.stop()).toBe(true);
  } finally {
    endCommands();
  }
});

const relayUrl = (): string => `${server.url}/servers/everything`;

type Args = Record<string, unknown>;

/** Calls that do not depend on the session that they are made in. */
const CALLS: readonly (readonly [tool: string, args: Args])[] = [
  ['echo', { message: 'grüße' }],
  ['get-annotated-message', { messageType: 'error', includeImage: true }],
  ['get-env', {}],
  ['get-resource-links', { count: 4 }],
  ['get-resource-reference', { resourceType: 'Text', resourceId: 2 }],
  ['get-resource-reference', { resourceType: 'Blob', resourceId: 3 }],
  ['get-resource-reference', { resourceType: 'Text', resourceId: -1 }],
  ['get-structured-content', { location: 'Chicago' }],
  ['get-sum', { a: 1.5, b: -2 }],
  ['get-sum', { a: 'one' }],
  ['get-tiny-image', {}],
  ['gzip-file-as-resource', { name: 'a.gz', data: 'data:text/plain,hello', outputType: 'resource' }],
  ['gzip-file-as-resource', { data: 'ftp://nowhere' }],
  ['simulate-research-query', { topic: 'tides' }],
  ['trigger-long-running-operation', { duration: 0.2, steps: 4 }],
];

const URI = 'demo://resource/dynamic/text/1';

/** What is asked of it, and what comes then without being asked for. */
const QUESTIONS: readonly (readonly [what: string, ask: (party: Party) => Promise<unknown>])[] = [
  [
    'who it is',
    ({ client }) =>
      Promise.resolve([client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()]),
  ],
  ['tools', ({ client }) => client.listTools()],
  ['resources', ({ client }) => client.listResources()],
  ['templates of resources', ({ client }) => client.listResourceTemplates()],
  ['prompts', ({ client }) => client.listPrompts()],
  ['a document', ({ client }) => client.readResource({ uri: 'demo://resource/static/document/features.md' })],
  ['a text by a template', ({ client }) => client.readResource({ uri: URI })],
  ['a blob by a template', ({ client }) => client.readResource({ uri: 'demo://resource/dynamic/blob/8' })],
  ['a prompt', ({ client }) => client.getPrompt({ name: 'simple-prompt' })],
  [
    'a prompt with arguments',
    ({ client }) => client.getPrompt({ name: 'args-prompt', arguments: { city: 'Oslo', state: 'Viken' } }),
  ],
  [
    'a prompt with a resource',
    ({ client }) =>
      client.getPrompt({ name: 'resource-prompt', arguments: { resourceType: 'Blob', resourceId: '5' } }),
  ],
  [
    'how an argument of a prompt may go on',
    ({ client }) =>
      client.complete({
        ref: { type: 'ref/prompt', name: 'completable-prompt' },
        argument: { name: 'name', value: 'E' },
        context: { arguments: { department: 'Sales' } },
      }),
  ],
  [
    'how a variable of a template may go on',
    ({ client }) =>
      client.complete({
        ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
        argument: { name: 'resourceId', value: '12' },
      }),
  ],
  ['a ping', ({ client }) => client.ping()],
  ['a level of the log', ({ client }) => client.setLoggingLevel('debug')],
  ...CALLS.map(
    ([tool, args]) => [`${tool} ${JSON.stringify(args)}`, (party: Party) => party.call(tool, args)] as const,
  ),
  ['a tool that it does not have', (party) => party.call('no-such-tool')],
  [
    'a file of the session',
    async (party) => [
      await party.call('gzip-file-as-resource', { name: 'b.gz', data: 'data:text/plain,hello' }),
      await party.client.readResource({ uri: 'demo://resource/session/b.gz' }),
    ],
  ],
  ['roots', async (party) => [await party.call('get-roots-list'), await party.hears(/Roots updated/)]],
  [
    'sampling',
    async (party) => [
      await party.call('trigger-sampling-request', { prompt: 'say it' }),
      await party.hears(/say it/),
    ],
  ],
  [
    'elicitation',
    async (party) => [await party.call('trigger-elicitation-request'), await party.hears(/fields/)],
  ],
  [
    'elicitation by a URL',
    async (party) => [
      await party.call('trigger-url-elicitation', { url: 'https://example.com/', elicitationId: 'e1' }),
      await party.hears(/example\.com/),
    ],
  ],
  [
    'a subscription',
    async (party) => [
      await party.client.subscribeResource({ uri: URI }),
      await party.hears(/Received Subscribe/),
      await party.call('toggle-subscriber-updates'),
      await party.hears(/"updated"/),
      await party.call('toggle-subscriber-updates'),
      await party.client.unsubscribeResource({ uri: URI }),
      await party.hears(/Received Unsubscribe/),
    ],
  ],
  [
    'log messages that no request asks for',
    async (party) => {
      const first = await party.call('toggle-simulated-logging');
      // Of a level that is left to chance.
      await party.hears(/level[ -]message/i);
      return [first, await party.call('toggle-simulated-logging')];
    },
  ],
];

/** What it answers with an error of the protocol. */
const REFUSED: typeof QUESTIONS = [
  ['a resource that it does not have', ({ client }) => client.readResource({ uri: 'demo://nothing' })],
  ['a prompt without its arguments', ({ client }) => client.getPrompt({ name: 'args-prompt' })],
  [
    'a method that it does not know',
    ({ client }) => client.request({ method: 'no/such' }, EmptyResultSchema),
  ],
  [
    'a call before which a URL is to be visited',
    (party) => party.call('trigger-url-elicitation', { url: 'https://example.com/', errorPath: true }),
  ],
];

/** A call that is a task of the server, which asks in the middle; how often it was looked at cannot be the same. */
async function research({ client }: Party): Promise<unknown> {
  const kinds = new Set<string>();
  let last: unknown;
  for await (const event of client.experimental.tasks.callToolStream({
    name: 'simulate-research-query',
    arguments: { topic: 'python', ambiguous: true },
  })) {
    kinds.add(event.type);
    last = event;
  }
  return { kinds: [...kinds], last };
}

describe('the reference server of MCP is through the relay what it is directly:', () => {
  it.each(QUESTIONS)('%s', async (_what, ask) => {
    // One after the other: it has one file of a name for all its sessions.
    const here = { result: await ask(direct) };
    expect(timeless({ result: await ask(relayed) })).toEqual(timeless(here));
  });

  it('what it refuses', async () => {
    // The client takes a stream that ended with an error for one that broke off. It comes back for the rest a second later, and is
    // told once more what else it was told: that is on connections of their own here.
    const parties = [await Party.connect(everything), await Party.connect(relayUrl())] as const;
    for (const [what, ask] of REFUSED) {
      const [here, there] = await Promise.all(parties.map((party) => refusal(ask(party))));
      expect(there, what).toEqual(here);
    }
    await Promise.all(parties.map(({ client }) => client.close()));
  });

  it('tasks, of the server and of the client', async () => {
    const [here, there] = await Promise.all(
      [direct, relayed].map(async (party) =>
        timeless(
          await Promise.all([
            research(party),
            party.hears(/research query/),
            party.call('trigger-sampling-request-async', { prompt: 'later' }),
            party.hears(/later/),
            party.call('trigger-elicitation-request-async'),
            party.hears(/async task demo/),
          ]),
        ),
      ),
    );
    expect(there).toEqual(here);
    expect(JSON.stringify(here)).toContain('Research Report: python');
  }, 120_000);

  it('and was asked for each tool that it has', async () => {
    const { tools } = await direct.client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names.filter((name) => !direct.called.has(name))).toEqual([]);
  });
});

describe('the reference server of MCP is in the catalogue', () => {
  it('with every tool that it has for clients who cannot be asked, described as by itself', async () => {
    const { client: plain } = await connectV1Client(everything);
    const { client } = await connectV1Client(server.url);
    const [own, offered] = await Promise.all([plain.listTools(), client.listTools()]);
    // The catalogue does not relay tasks, and so does not speak of them.
    const described = own.tools.map(({ execution: _execution, ...tool }) => ({
      ...tool,
      name: `everything_${tool.name}`,
    }));
    const bySource = offered.tools.filter(({ name }) => name.startsWith('everything_'));
    expect(bySource).toEqual(described);
    expect(described.length).toBeGreaterThan(12);
    const samples = await server.scrape();
    expect(samples.value('mcp_upstream_tools')).toBe(described.length);
    expect(samples.value('mcp_upstream_tools_dropped')).toBe(0);
    await Promise.all([plain.close(), client.close()]);
  });

  it.each(ERAS)('and its tools give clients of %s the results that they give directly', async (era) => {
    const { client } = await connectClient(server.url, era);
    for (const [tool, args] of CALLS) {
      const progress: unknown[] = [];
      const called = { name: `everything_${tool}`, arguments: args };
      const result = await client.callTool(called, { onprogress: (each) => progress.push(each) });
      // What the server says of itself in each answer is not the upstream's.
      const its = { result: { ...result, _meta: undefined }, progress };
      expect(timeless(its), tool).toEqual(timeless(await direct.call(tool, args)));
    }
    await client.close();
  });
});
