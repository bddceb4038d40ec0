import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTENT_TYPES } from '../monitoring/metrics/exposition.ts';
import { counted } from '../tools/counted.ts';
import { ERAS, McpProbe, type Era, type ListedTool, type Answered } from './probe/mcp-client.ts';
import { below, type ProbeOptions, type ToolUse } from './probe/options.ts';
import { ask, quote } from './probe/request.ts';
import { rotating } from './probe/rotation.ts';
import { scrape, type Scrape, type ScrapeResult } from './probe/scrape.ts';
import type { Terminal } from './terminal.ts';

/** What is called when no tool is named: the first of these that the server has. */
const DEFAULT_CALLS: readonly ToolUse[] = [
  { tool: 'current_timestamp', args: {} },
  { tool: 'add', args: { a: 5, b: 3 } },
];

/** How long one request may take: as long as a scrape, or a probe of Kubernetes, waits at most. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 200;

/** How long to wait for a replica that shuts down to be gone. One that starts has until the deadline. */
const LEAVING_SECONDS = 5;

export interface ProbeSurroundings {
  readonly terminal: Pick<Terminal, 'stdout'>;
  readonly version: string;
  /** Monotonic, in seconds. */
  readonly now: () => number;
  /** Aborts when the person at the terminal does not want to wait any longer. */
  readonly interrupted: AbortSignal;
  /** How names of hosts are resolved; left out, as the system does. */
  readonly lookup?: LookupFunction | undefined;
}

/**
 * Looks at a running server as its clients, Prometheus and Kubernetes do, and prints a line for each check.
 * @returns whether all is well
 */
export async function probe(options: ProbeOptions, surroundings: ProbeSurroundings): Promise<boolean> {
  const { terminal, interrupted } = surroundings;
  const deadline = AbortSignal.timeout(options.deadlineSeconds * 1000);
  const run = new ProbeRun(options, surroundings, AbortSignal.any([deadline, interrupted]));
  let well = true;
  for (const { name, check } of run.checks()) {
    const finding = await check();
    const failed = finding.status === 'FAIL';
    if (failed) well = false;
    const late = failed && deadline.aborted ? ` (the deadline of ${options.deadlineSeconds} s passed)` : '';
    terminal.stdout.write(`${finding.status.padEnd(4)}  ${name.padEnd(14)}  ${finding.text}${late}\n`);
  }
  return well;
}

interface Finding {
  /** `skip` when there was nothing to look at, which a line above explains. */
  readonly status: 'ok' | 'FAIL' | 'skip';
  readonly text: string;
}

interface Check {
  readonly name: string;
  readonly check: () => Promise<Finding>;
}

const ok = (text: string): Finding => ({ status: 'ok', text });
const fail = (text: string): Finding => ({ status: 'FAIL', text });
const skip = (text: string): Finding => ({ status: 'skip', text });

class ProbeRun {
  readonly #options: ProbeOptions;
  readonly #surroundings: ProbeSurroundings;
  readonly #signal: AbortSignal;
  /** Resolves the host of readiness and metrics, to another replica each time. */
  readonly #lookup: LookupFunction;
  #before: Scrape | undefined;
  /** The call that succeeded. */
  #called: { readonly client: McpProbe; readonly use: ToolUse } | undefined;

  constructor(options: ProbeOptions, surroundings: ProbeSurroundings, signal: AbortSignal) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#signal = signal;
    this.#lookup = rotating(surroundings.lookup ?? systemLookup);
  }

  checks(): readonly Check[] {
    const { metrics } = this.#options;
    const notAsked = (): Promise<Finding> => Promise.resolve(skip('--no-metrics'));
    return [
      { name: 'ready', check: () => this.#ready() },
      { name: 'metrics', check: metrics ? () => this.#metrics(metrics) : notAsked },
      ...ERAS.map((era) => ({ name: `MCP ${era}`, check: () => this.#speaks(era) })),
      { name: 'counted', check: metrics ? () => this.#counted(metrics) : notAsked },
    ];
  }

  /** Aborts a request that begins now when it takes too long, or when the probe has to end. */
  #patience(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(PATIENCE_MS)]);
  }

  async #ready(): Promise<Finding> {
    const { server, metrics, ready } = this.#options;
    // Probes are where the metrics are: on the operations port, if there is one.
    const url = ready ?? (metrics ? new URL('readyz', metrics) : below(server, 'readyz'));
    const { now } = this.#surroundings;
    const end = now() + LEAVING_SECONDS;
    for (;;) {
      const asked = await ask(url, { method: 'GET', signal: this.#patience(), lookup: this.#lookup });
      if (!asked.ok) return fail(asked.problem);
      const { status, text } = asked.answer;
      if (status === 200) return ok(url.href);
      if (status === 404 && !metrics && !ready)
        return skip(`${url.href} answers 404; name another port in --ready-url`);
      if (status === 404)
        return fail(
          `${url.href} answers 404; where ops.port is set, readiness and metrics are at that port: give --metrics-url, or --ready-url alone`,
        );
      if (status !== 503)
        return fail(
          `${url.href} answers ${status}; are the URL, --metrics-url and --ready-url those of this server?`,
        );
      // During a roll-out a replica may not be ready yet, or no longer.
      const waits = text.includes('starting') || now() < end;
      if (!waits || !(await this.#pause()))
        return fail(`${url.href} keeps answering 503: ${quote(text)}; it starts or shuts down`);
    }
  }

  async #metrics(url: URL): Promise<Finding> {
    const scraped = await this.#scrape(url);
    if (!scraped.ok) return fail(scraped.problem);
    this.#before = scraped.scrape;
    return ok(`${url.href}, ${CONTENT_TYPES.prometheus}`);
  }

  async #speaks(era: Era): Promise<Finding> {
    const { server } = this.#options;
    const { version } = this.#surroundings;
    const client = new McpProbe(below(server, 'mcp'), era, {
      headers: this.#headersFor(server),
      version,
      signal: this.#signal,
    });
    const opened = await client.open();
    if (!opened.ok) return fail(opened.problem);
    const found = await this.#use(client);
    const closed = await client.close();
    if (!found.ok) return fail(found.problem);
    if (!closed.ok) return fail(closed.problem);
    // Its calls need no session, so they can be repeated although the client is closed.
    if (era === '2026-07-28') this.#called = { client, use: found.value.use };
    return ok(found.value.text + (era === '2026-07-28' ? '' : ', in a session of its own'));
  }

  async #use(client: McpProbe): Promise<Answered<{ readonly use: ToolUse; readonly text: string }>> {
    const { now } = this.#surroundings;
    const listed = await client.listTools();
    if (!listed.ok) return listed;
    const chosen = chooseTool(this.#options.call, listed.value);
    if (!chosen.ok) return chosen;
    const { tool, args } = chosen.value;
    const startedAt = now();
    const called = await client.call(tool, args);
    if (!called.ok) return called;
    const milliseconds = Math.ceil((now() - startedAt) * 1000);
    const text = `lists ${counted(listed.value.length, 'tool')}; ${tool} answered in ${milliseconds} ms`;
    return { ok: true, value: { use: chosen.value, text } };
  }

  /**
   * Sees whether the calls were counted. Behind a load balancer a scrape may be of another replica than the one that
   * took the call; so calls and scrapes go on until one replica has been seen before and after a call of ours.
   */
  async #counted(url: URL): Promise<Finding> {
    if (!this.#called) return skip('no call succeeded, so there is none to count');
    if (!this.#before) return skip('there were no metrics before the calls');
    const { client, use } = this.#called;
    const series = `mcp_tool_calls_total{tool_name="${use.tool}",status="success"}`;
    const seen = new Map([[this.#before.replica, this.#before]]);
    for (let scrapes = 1; ; scrapes += 1) {
      const scraped = await this.#scrape(url);
      if (!scraped.ok) {
        if (!this.#signal.aborted) return fail(scraped.problem);
        return fail(
          `${series} did not rise in ${counted(scrapes - 1, 'scrape')} of ${counted(seen.size, 'replica')}; are ${url.href} the metrics of this server?`,
        );
      }
      const { replica, successes } = scraped.scrape;
      const before = seen.get(replica)?.successes.get(use.tool);
      const after = successes.get(use.tool);
      if (after === undefined) return fail(`${url.href} has no ${series}`);
      if (before !== undefined && after > before) {
        const others = seen.size > 1 ? `, seen at one of ${seen.size} replicas after ${scrapes} scrapes` : '';
        return ok(`${series} rose from ${before} to ${after}${others}`);
      }
      seen.set(replica, scraped.scrape);
      await this.#pause();
      // Whether this call fails is not looked at: if none succeeds, the deadline ends the check.
      await client.call(use.tool, use.args);
    }
  }

  #scrape(url: URL): Promise<ScrapeResult> {
    return scrape(url, { headers: this.#headersFor(url), signal: this.#patience(), lookup: this.#lookup });
  }

  /** Waits a moment; resolves to whether there is time left. */
  async #pause(): Promise<boolean> {
    await sleep(PAUSE_MS, undefined, { signal: this.#signal }).catch(() => undefined);
    return !this.#signal.aborted;
  }

  /** The token goes to the server's own host alone. */
  #headersFor({ hostname }: URL): Record<string, string> {
    const { server, token } = this.#options;
    return token === undefined || hostname !== server.hostname ? {} : { authorization: `Bearer ${token}` };
  }
}

const SHOWN_TOOLS = 5;

const refuse = (problem: string): Answered<never> => ({ ok: false, problem });

function chooseTool(wanted: ToolUse | undefined, tools: readonly ListedTool[]): Answered<ToolUse> {
  const find = (name: string): ListedTool | undefined => tools.find((tool) => tool.name === name);
  const use = wanted ?? DEFAULT_CALLS.find(({ tool }) => find(tool));
  const listed = use && find(use.tool);
  if (!use || !listed) {
    const name = wanted?.tool ?? DEFAULT_CALLS.map(({ tool }) => tool).join(' or ');
    const some = tools
      .filter((tool) => tool.annotations?.readOnlyHint === true)
      .slice(0, SHOWN_TOOLS)
      .map((tool) => tool.name);
    const instead = some.length === 0 ? '' : `, for example ${quote(some.join(', '))}`;
    return refuse(`there is no tool ${name}; name a read-only one with --tool${instead}`);
  }
  if (listed.annotations?.readOnlyHint === true) return { ok: true, value: use };
  return refuse(
    `${use.tool} is not marked as read-only, so a probe must not call it; choose another with --tool`,
  );
}
