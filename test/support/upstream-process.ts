import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('v1-upstream-process.ts', import.meta.url));

/** A `V1Upstream` in a process of its own, which can be stopped: its connections stay, and nothing is answered. */
export interface UpstreamProcess {
  readonly url: string;
  pause(): void;
  resume(): void;
  end(): void;
}

export async function startUpstreamProcess(): Promise<UpstreamProcess> {
  const child = spawn(process.execPath, [PROCESS], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    url,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    end: () => void child.kill('SIGKILL'),
  };
}
