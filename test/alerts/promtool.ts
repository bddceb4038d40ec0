import { Toolbox } from '../integration/harness.ts';
import type { Files } from '../integration/harness/toolbox.ts';

let toolbox: Promise<Toolbox> | undefined;

/**
 * Runs the promtool of the Prometheus that the integration tests use.
 * @param files contents by name; the arguments may name them
 * @returns its exit code, and what it printed on one stream and then the other: as they come they are mixed within lines
 */
export async function promtool(
  args: readonly string[],
  files: Files,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  toolbox ??= Toolbox.promtool();
  const { exitCode, stdout, stderr } = await (await toolbox).run(args, files);
  return { exitCode, output: `${stdout}${stderr}` };
}

/** For the end of a test file that ran it. */
export async function stopPromtool(): Promise<void> {
  await (await toolbox)?.stop();
}
