import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    chromium: string;
  }
}

const ENSURE_CHROMIUM = fileURLToPath(new URL('../../scripts/ensure-chromium.sh', import.meta.url));

/** Provides a Chromium. */
export default function setup({ provide }: TestProject): void {
  const path = execFileSync('sh', [ENSURE_CHROMIUM], { stdio: ['ignore', 'pipe', 'inherit'] });
  provide('chromium', path.toString().trim());
}
