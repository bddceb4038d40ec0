import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { keepCompiled } from './compile-cache.ts';

/** Gives all temporary files of a run one directory, and removes it in the end. */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'nexus-mcp-'));
  process.env['TMPDIR'] = directory;
  keepCompiled(directory);
  return () => {
    rmSync(directory, { recursive: true, force: true });
  };
}
