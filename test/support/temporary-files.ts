import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { keepCompiled } from './compile-cache.ts';

const PREFIX = 'nexus-mcp-';

/**
 * Gives all temporary files of a run one directory, and removes it in the end. Each project of a run calls this: the first
 * directory is for all, because in a deeper one the paths of Chromium's sockets would be too long.
 */
export default function setup(): () => void {
  if (basename(tmpdir()).startsWith(PREFIX)) return () => undefined;
  const directory = mkdtempSync(join(tmpdir(), PREFIX));
  process.env['TMPDIR'] = directory;
  keepCompiled(directory);
  return () => {
    rmSync(directory, { recursive: true, force: true });
  };
}
