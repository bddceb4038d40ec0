import { Console } from 'node:console';
import * as modules from 'node:module';
import process from 'node:process';

const PUBLIC_ENTRY = 'nexus-mcp/tools';

/** The URL of a source file's neighbour, whether this runs from source or compiled. */
export const neighbour = (name: string, importMetaUrl: string): URL =>
  new URL(`./${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl);

/** Process-wide, as what it stands for. */
let isResolved = false;

/**
 * Lets tool modules import `nexus-mcp/tools` wherever they lie, without an installation of this package beside
 * them: the name resolves to the running server's own copy. And lets them print: to stderr, because stdout carries
 * the protocol, an answer or the log. Process-wide; to be called in each thread, and does nothing when it is called again.
 */
export function resolvePublicEntry(): void {
  if (isResolved) return;
  // A test of a tool may run on whatever Node there is; the command line has looked.
  if (!('registerHooks' in modules))
    throw new Error(`nexus-mcp needs a newer Node; this is ${process.version}`);
  isResolved = true;
  Object.assign(globalThis.console, new Console(process.stderr));
  const url = neighbour('index', import.meta.url).href;
  modules.registerHooks({
    resolve: (specifier, context, next) =>
      specifier === PUBLIC_ENTRY ? { url, shortCircuit: true } : next(specifier, context),
  });
}
