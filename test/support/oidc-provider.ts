import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('oidc-process.ts', import.meta.url));

/** A real OpenID provider in a process of its own. */
export interface OidcProvider {
  readonly issuer: string;
  end(): void;
}

/** @param resources for which it gives tokens; for the first where none is asked for */
export async function startOidcProvider(...resources: readonly string[]): Promise<OidcProvider> {
  const child = spawn(process.execPath, [PROCESS, ...resources], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [issuer] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { issuer, end: () => void child.kill('SIGKILL') };
}
