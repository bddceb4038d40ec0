import { Console } from 'node:console';
import { registerHooks } from 'node:module';
import process from 'node:process';
import type { ToolDefinition, Toolset } from './tool.ts';

const PUBLIC_ENTRY = 'nexus-mcp/tools';

/** The URL of a source file's neighbour, whether this runs from source or compiled. */
export const neighbour = (name: string, importMetaUrl: string): URL =>
  new URL(`./${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl);

/**
 * Lets tool modules import `nexus-mcp/tools` wherever they lie, without an installation of this package beside
 * them: the name resolves to the running server's own copy. And lets them print: to stderr, because stdout carries
 * the protocol, an answer or the log. Process-wide; call once in each thread.
 */
export function resolvePublicEntry(): void {
  Object.assign(globalThis.console, new Console(process.stderr));
  const url = neighbour('index', import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === PUBLIC_ENTRY ? { url, shortCircuit: true } : next(specifier, context),
  });
}

/** The tools among a module's exports: tools, arrays of tools and toolsets, each tool once. */
export function toolsIn(exports: Readonly<Record<string, unknown>>): ToolDefinition[] {
  return [...new Set(Object.values(exports).flatMap(toolsOf))];
}

function toolsOf(value: unknown): ToolDefinition[] {
  if (Array.isArray(value)) return value.flatMap(toolsOf);
  if (typeof value !== 'object' || value === null) return [];
  // One that lacks a field is a tool too, so that it is reported and not passed over.
  if ('handler' in value || ('name' in value && 'input' in value)) return [value as ToolDefinition];
  return 'tools' in value && 'moduleUrl' in value ? [...(value as Toolset).tools] : [];
}
