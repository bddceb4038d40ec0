import { connectClient, connectV1Client, ERAS } from '../support/clients.ts';

/** A kind of call, how often it is made through each entrance, and how it is to be counted. */
interface Call {
  readonly tool: string;
  /** What the client calls it, if that is not its label. */
  readonly calledAs?: string;
  readonly args: Record<string, unknown>;
  readonly times: number;
  readonly status: 'success' | 'error';
  /** Whether it reaches the tool's code. */
  readonly runs: boolean;
}

const CALLS: readonly Call[] = [
  { tool: 'add', args: { a: 5, b: 3 }, times: 7, status: 'success', runs: true },
  { tool: 'add', args: { a: 5, b: 'three' }, times: 2, status: 'error', runs: false },
  { tool: 'divide', args: { a: 6, b: 3 }, times: 1, status: 'success', runs: true },
  { tool: 'divide', args: { a: 6, b: 0 }, times: 3, status: 'error', runs: true },
  { tool: 'json_format', args: { json_string: '{}' }, times: 2, status: 'success', runs: true },
  { tool: 'slow', args: { milliseconds: 60 }, times: 5, status: 'success', runs: true },
  { tool: 'throws', args: {}, times: 4, status: 'error', runs: true },
  { tool: 'unknown', calledAs: 'no_such_tool', args: {}, times: 2, status: 'error', runs: false },
];

const ENTRANCES = 2 + ERAS.length;

/** Makes every call through every entrance: REST, both eras of MCP, and the client of the SDK's first line. */
export async function makeCalls(url: string): Promise<void> {
  await makeAll((tool, args) => execute(url, tool, args));
  for (const era of ERAS) {
    const { client, transport } = await connectClient(url, era);
    await makeAll((name, args) => client.callTool({ name, arguments: args }));
    await transport.terminateSession();
    await client.close();
  }
  const { client, transport } = await connectV1Client(url);
  await makeAll((name, args) => client.callTool({ name, arguments: args }));
  await transport.terminateSession();
  await client.close();
}

async function makeAll(
  make: (tool: string, args: Record<string, unknown>) => Promise<unknown>,
): Promise<void> {
  for (const { tool, calledAs = tool, args, times } of CALLS) {
    // Over MCP, the answer to a call of an unknown tool is a protocol error.
    const calls = Array.from({ length: times }, () => make(calledAs, args).catch(() => undefined));
    await Promise.all(calls);
  }
}

/** How many calls `makeCalls` makes in all, of those that `which` accepts, by a key. */
export function callsBy(
  key: (call: Call) => string,
  which: (call: Call) => boolean = () => true,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const call of CALLS.filter(which)) {
    counts[key(call)] = (counts[key(call)] ?? 0) + call.times * ENTRANCES;
  }
  return counts;
}

export const times = (counts: Record<string, number>, factor: number): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, count * factor]));

/** Calls a tool over REST, and returns the HTTP status. */
export async function execute(url: string, tool: string, args: Record<string, unknown>): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ tool_name: tool, arguments: args });
  const response = await fetch(`${url}/execute`, { method: 'POST', headers, body });
  await response.text();
  return response.status;
}
