import { basename, extname } from 'node:path';
import type { ToolDefinition, Toolset } from './tool.ts';

/** The name of the toolset that a module is. */
export const toolsetOf = (file: string): string => basename(file, extname(file));

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
