import { stringify } from 'yaml';
import type { Application } from '../application.ts';
import { trustedCaller } from '../authorization/caller.ts';
import { listSettings } from '../config/setting-list.ts';
import type { Settings } from '../config/settings.ts';
import { mayHaveUpstreams, withoutUpstreams } from '../load-upstreams.ts';
import { plainValue, type Outcome } from '../tools/call.ts';
import { counted } from '../tools/counted.ts';
import { toolsetOf } from '../tools/exported-tools.ts';
import { didYouMean } from '../tools/near-names.ts';
import { EXIT, thrownText, type ExitCode } from './shell.ts';
import { progressLine, type Terminal } from './terminal.ts';
import { DURATION_BUCKETS, highestOf } from '../monitoring/metrics/bounds.ts';
import { RUNTIME_SAMPLES } from '../monitoring/metrics/runtime.ts';
import { redactText } from '../monitoring/redact-text.ts';

const CLI_CALLER = trustedCaller('cli');

/** Calls one tool in this process and prints what it returns: text as it is, anything else as JSON. */
export async function callTool(
  { executor, catalogue, now, newRequestId }: Application,
  settings: Settings,
  [name, text = '{}']: readonly string[],
  terminal: Terminal,
  options: { readonly json: boolean; readonly signal: AbortSignal },
): Promise<ExitCode> {
  const complain = (problem: string): ExitCode => {
    terminal.stderr.write(`nexus-mcp: ${problem}\n`);
    return EXIT.misused;
  };
  if (name === undefined) return complain("call needs a tool's name; nexus-mcp tools lists them");
  if (!catalogue.get(name)) {
    const names = catalogue.tools.map((tool) => tool.name);
    const isOwn = withoutUpstreams([name], settings).length > 0;
    return complain(
      isOwn
        ? `there is no tool ${name}${didYouMean(name, names) || '; nexus-mcp tools lists them'}`
        : `this command has no tool ${name}; if it is a tool of an upstream, call it at a running server`,
    );
  }
  let args: unknown;
  try {
    args = JSON.parse(text);
  } catch {
    return complain('the arguments are not valid JSON; quote them, for example \'{"a":5,"b":3}\'');
  }
  const line = progressLine(terminal, name, now);
  const outcome = await executor.execute({
    name,
    arguments: args,
    caller: CLI_CALLER,
    entrance: 'cli',
    requestId: newRequestId(),
    signal: options.signal,
    canElicit: false,
    progress: (progress, total, message) => {
      line.say([total === undefined ? progress : `${progress}/${total}`, message ?? ''].join(' '));
    },
  });
  line.end();
  return printOutcome(outcome, terminal, options.json);
}

function printOutcome(outcome: Outcome, { stdout, stderr }: Terminal, json: boolean): ExitCode {
  if (outcome.status === 'error') {
    const { reason, message, cause } = outcome;
    if (json) stdout.write(`${JSON.stringify({ status: 'error', reason, detail: message })}\n`);
    else stderr.write(`nexus-mcp: ${reason}: ${message}\n`);
    // Clients are not told the cause, but whoever runs this command may be the author of the tool.
    if (reason !== 'invalid_arguments' && cause !== undefined) stderr.write(`${thrownText(cause)}\n`);
    return reason === 'invalid_arguments' ? EXIT.misused : EXIT.failed;
  }
  const result = outcome.inputRequired ? null : plainValue(outcome.result);
  if (json) stdout.write(`${JSON.stringify({ status: 'success', result })}\n`);
  else stdout.write(`${typeof result === 'string' ? result : JSON.stringify(result, null, 2)}\n`);
  return EXIT.done;
}

/** Prints the server's own tools: one line each, or with `json` as they are published. */
export function listTools(
  { catalogue }: Application,
  { upstreams, discovery }: Settings,
  { stdout, stderr }: Terminal,
  json: boolean,
): ExitCode {
  const others = [
    ...upstreams.map(({ name }) => name),
    ...(discovery.enabled ? ['found in Kubernetes'] : []),
  ];
  if (others.length > 0)
    stderr.write(
      `nexus-mcp: not listed: the tools of upstreams (${others.join(', ')}); a running server lists them\n`,
    );
  if (json) {
    stdout.write(
      `${JSON.stringify(
        catalogue.tools.map(({ listing }) => listing),
        null,
        2,
      )}\n`,
    );
    return EXIT.done;
  }
  const width = Math.max(...catalogue.tools.map(({ name }) => name.length));
  for (const { name, listing } of catalogue.tools) {
    const [firstSentence = ''] = listing.description.split(/(?<=\.)\s/);
    stdout.write(`${name.padEnd(width)}  ${firstSentence}\n`);
  }
  return EXIT.done;
}

/**
 * Prints the settings in effect, as a configuration file that would set them, without secrets; above them, which file they are from,
 * how many samples a scrape can have, which buckets of durations there are besides those that are always there, and the tools of each module.
 */
export function printSettings(
  { settings, file }: { readonly settings: Settings; readonly file: string | undefined },
  { catalogue, recorder, durationBuckets, expose }: Application,
  { stdout }: Terminal,
  json: boolean,
): ExitCode {
  const shown: Record<string, object> = structuredClone(settings);
  for (const { path, secret } of listSettings()) {
    const [group = '', key = ''] = path.split('.');
    const section = shown[group] as Record<string, unknown> | undefined;
    if (secret && section?.[key] !== undefined) section[key] = '(set)';
  }
  // Texts that are no secrets may hold some, such as a URL.
  const safe: unknown = JSON.parse(JSON.stringify(shown), (_name, value: unknown) =>
    typeof value === 'string' ? redactText(value) : value,
  );
  if (json) stdout.write(`${JSON.stringify(safe, null, 2)}\n`);
  else {
    if (file !== undefined) stdout.write(`# configuration file: ${file}\n`);
    const ofUpstreams = mayHaveUpstreams(settings) ? settings.limits.upstreamTools : 0;
    const besides = ofUpstreams === 0 ? '' : `, and up to ${ofUpstreams} of upstreams`;
    const most = recorder.mostSamples(ofUpstreams) + RUNTIME_SAMPLES;
    if (expose)
      stdout.write(
        `# ${counted(catalogue.tools.length, 'tool')}${besides}: a scrape has ${most} samples at most\n`,
      );
    const further = durationBuckets.slice(DURATION_BUCKETS.length);
    if (expose && further.length > 0)
      stdout.write(
        `# mcp_tool_duration_seconds has buckets above ${highestOf(DURATION_BUCKETS)} s: ${further.join(', ')}\n`,
      );
    for (const toolset of new Set(settings.tools.modules.map(toolsetOf))) {
      const tools = catalogue.tools.filter((tool) => tool.source === 'module' && tool.toolset === toolset);
      const names = tools.map(({ name }) => name).join(', ') || 'no tool is enabled';
      stdout.write(`# module ${toolset}: ${names}\n`);
    }
    stdout.write(stringify(safe));
  }
  return EXIT.done;
}
